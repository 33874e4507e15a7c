/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/kube_message.h"

#include "evidence/base.h"
#include "evidence/text.h"

#include <string.h>

static bool is_string(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	return len < size && text_is_utf8(s, len);
}
#define IS_STRING(field) is_string(field, sizeof(field))

static bool is_owner(const struct kube_owner *o)
{
	return IS_STRING(o->kind) && IS_STRING(o->name);
}

static bool is_container(const struct kube_container *c)
{
	return IS_STRING(c->name) && IS_STRING(c->type) && IS_STRING(c->id) &&
	       IS_STRING(c->image) && IS_STRING(c->image_digest);
}

static bool has_strings(const struct kube_pod *p)
{
	bool ok = IS_STRING(p->uid) && IS_STRING(p->api_uid) && IS_STRING(p->name) &&
		  IS_STRING(p->namespace_) && is_owner(&p->owner) && is_owner(&p->workload) &&
		  IS_STRING(p->service_account) && IS_STRING(p->node_name) && IS_STRING(p->phase);

	for (size_t i = 0; ok && i < KUBE_IPS_MAX; i++)
		ok = IS_STRING(p->ips[i]);
	for (size_t i = 0; ok && i < p->label_cnt; i++)
		ok = IS_STRING(p->labels[i].key) && IS_STRING(p->labels[i].value);
	for (size_t i = 0; ok && i < p->container_cnt; i++)
		ok = is_container(&p->containers[i]);
	return ok;
}

bool kube_message_check(const void *data, size_t len)
{
	const struct kube_message *m = data;

	if (len < offsetof(struct kube_message, pod) || m->type < KUBE_WANT_CREDENTIALS ||
	    m->type > KUBE_LIST_END || len != kube_message_size(m->type))
		return false;
	if (len < sizeof(*m))
		return true;
	return m->pod.uid[0] && m->pod.created_unix >= 0 && m->pod.created_unix <= KUBE_TIME_MAX &&
	       m->pod.label_cnt <= KUBE_LABELS_MAX && m->pod.container_cnt <= KUBE_CONTAINERS_MAX &&
	       has_strings(&m->pod);
}
