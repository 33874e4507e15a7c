/* SPDX-License-Identifier: Apache-2.0 */
/* A chained hash by UID, never more than its limit. What the API server says is kept packed, since
 * it is needed only when a POD_STATE is written. */
#include "sensor/pods.h"

#include "evidence/base.h"
#include "sensor/container.h"
#include "sensor/declare.h"
#include "varve.pb-c.h"

#include <string.h>

#define KEEP_NS (60 * NSEC_PER_SEC) /* the API server may answer late */
#define WAIT_NS (30 * NSEC_PER_SEC) /* less, so that what was given up is told */

struct pods {
	size_t limit, cnt, due_cnt;
	bool asks_api, listed;
	uint32_t list; /* the one that is coming, or came last */
	struct pods_cost cost;
	size_t bucket_cnt; /* power of two */
	struct pod *buckets[];
};

static struct pod **bucket_of(const struct pods *pods, const char *uid)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (; *uid; uid++)
		hash = (hash ^ (unsigned char)*uid) * 0x100000001b3ULL;
	return (struct pod **)&pods->buckets[hash & (pods->bucket_cnt - 1)];
}

int pods_new(size_t limit, bool asks_api, struct pods **ret_pods)
{
	struct pods *pods;
	size_t buckets = 16;

	while (buckets < limit)
		buckets *= 2;
	pods = calloc(1, sizeof(*pods) + buckets * sizeof(pods->buckets[0]));
	if (!pods)
		return -ENOMEM;
	pods->limit = limit;
	pods->asks_api = asks_api;
	pods->bucket_cnt = buckets;
	*ret_pods = pods;
	return 0;
}

static void pod_free(struct pod *p)
{
	free(p->state);
	free(p);
}

void pods_free(struct pods *pods)
{
	if (!pods)
		return;
	for (size_t i = 0; i < pods->bucket_cnt; i++) {
		for (struct pod *p = pods->buckets[i], *next; p; p = next) {
			next = p->next;
			pod_free(p);
		}
	}
	free(pods);
}

static struct pod *find(const struct pods *pods, const char *uid)
{
	struct pod *p = *bucket_of(pods, uid);

	while (p && strcmp(p->uid, uid))
		p = p->next;
	return p;
}

const struct pod *pods_find(const struct pods *pods, const char *uid)
{
	return find(pods, uid);
}

size_t pods_count(const struct pods *pods)
{
	return pods->cnt;
}

struct pods_cost pods_cost(const struct pods *pods)
{
	return pods->cost;
}

bool pods_listed(const struct pods *pods)
{
	return pods->listed;
}

bool pods_are_due(const struct pods *pods)
{
	return pods->due_cnt;
}

static void set_due(struct pods *pods, struct pod *p)
{
	pods->due_cnt += !p->due;
	p->due = true;
}

static void clear_due(struct pods *pods, struct pod *p)
{
	pods->due_cnt -= p->due;
	p->due = p->rebind = false;
}

static void remove_pod(struct pods *pods, struct pod *p)
{
	struct pod **link = bucket_of(pods, p->uid);

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	clear_due(pods, p);
	pods->cnt--;
	pod_free(p);
}

/* Idle ones are those without containers; what is still to be written is not given up. */
static bool evict(struct pods *pods)
{
	struct pod *oldest = NULL;

	for (size_t i = 0; i < pods->bucket_cnt; i++)
		for (struct pod *p = pods->buckets[i]; p; p = p->next)
			if (p->idle_ns && !p->due && (!oldest || p->idle_ns < oldest->idle_ns))
				oldest = p;
	if (!oldest)
		return false;
	remove_pod(pods, oldest);
	pods->cost.evicted++;
	return true;
}

static struct pod *get(struct pods *pods, const char *uid, uint64_t now_ns)
{
	struct pod **bucket = bucket_of(pods, uid), *p = find(pods, uid);

	if (p)
		return p;
	if (pods->cnt >= pods->limit && !evict(pods)) {
		pods->cost.refused++;
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	snprintf(p->uid, sizeof(p->uid), "%s", uid);
	p->api = pods->asks_api ? POD_API_PENDING : POD_API_NONE;
	p->pending_ns = p->idle_ns = now_ns;
	p->next = *bucket;
	*bucket = p;
	pods->cnt++;
	return p;
}

/* --- from the containers */

static void forget_api(struct pods *pods, struct pod *p, uint64_t now_ns)
{
	free(p->state);
	p->state = NULL;
	p->state_len = 0;
	p->owner = p->workload = (struct kube_owner){};
	p->api = pods->asks_api ? POD_API_PENDING : POD_API_NONE;
	p->pending_ns = now_ns;
}

static void set_names(struct pods *pods, struct pod *p, const struct container_metadata *meta,
		      uint64_t now_ns)
{
	if (p->named_by_runtime || !meta->pod_name[0])
		return;
	if (p->api == POD_API_KNOWN &&
	    (strcmp(p->name, meta->pod_name) || strcmp(p->namespace_, meta->pod_namespace))) {
		pods->cost.contradicted++;
		forget_api(pods, p, now_ns);
		p->rebind = true;
	}
	snprintf(p->name, sizeof(p->name), "%s", meta->pod_name);
	snprintf(p->namespace_, sizeof(p->namespace_), "%s", meta->pod_namespace);
	p->named_by_runtime = true;
	set_due(pods, p);
}

void pods_attach(struct pods *pods, struct container *c, uint64_t sequence, uint64_t now_ns)
{
	const char *uid = c->meta.pod_uid[0] ? c->meta.pod_uid : c->id.pod_uid;
	struct pod *p = c->pod;

	if (!p) {
		p = uid[0] ? get(pods, uid, now_ns) : NULL;
		if (!p)
			return;
		c->pod = p;
		if (!p->has_records) {
			p->has_records = true;
			p->first_sequence = sequence;
			p->first_ns = now_ns;
		}
		if (!p->container_cnt++)
			set_due(pods, p);
		p->idle_ns = 0;
	}
	if (!p->named_by_runtime)
		set_names(pods, p, &c->meta, now_ns);
}

void pods_detach(struct pods *pods, struct container *c, uint64_t next_sequence, uint64_t now_ns)
{
	struct pod *p = c->pod;

	if (!p)
		return;
	c->pod = NULL;
	p->last_sequence = next_sequence ? next_sequence - 1 : 0;
	p->last_ns = now_ns;
	if (--p->container_cnt)
		return;
	p->idle_ns = now_ns;
	set_due(pods, p);
}

/* --- from the API server */

static void make_labels(const struct kube_pod *in, Varve__V1__Label *labels,
			Varve__V1__Label **ret_list)
{
	for (size_t i = 0; i < in->label_cnt; i++) {
		varve__v1__label__init(&labels[i]);
		labels[i].key = (char *)in->labels[i].key;
		labels[i].value = (char *)in->labels[i].value;
		ret_list[i] = &labels[i];
	}
}

static char *if_any(const char *text)
{
	return text[0] ? (char *)text : NULL;
}

static void make_containers(const struct kube_pod *in, Varve__V1__PodContainer *containers,
			    Varve__V1__PodContainer **ret_list)
{
	for (size_t i = 0; i < in->container_cnt; i++) {
		const struct kube_container *c = &in->containers[i];
		Varve__V1__PodContainer *out = &containers[i];

		varve__v1__pod_container__init(out);
		out->name = if_any(c->name);
		out->type = if_any(c->type);
		out->id = if_any(c->id);
		out->image = if_any(c->image);
		out->image_digest = if_any(c->image_digest);
		out->has_restart_count = c->restart_count >= 0;
		out->restart_count = c->restart_count;
		ret_list[i] = out;
	}
}

/* The message, packed. NULL: no memory. */
static uint8_t *pack(const struct kube_pod *in, size_t *ret_len)
{
	Varve__V1__PodState out = VARVE__V1__POD_STATE__INIT;
	Varve__V1__Label labels[KUBE_LABELS_MAX], *label_list[KUBE_LABELS_MAX];
	Varve__V1__PodContainer containers[KUBE_CONTAINERS_MAX];
	Varve__V1__PodContainer *container_list[KUBE_CONTAINERS_MAX];
	char *ips[KUBE_IPS_MAX];
	uint8_t *buf;

	make_labels(in, labels, label_list);
	make_containers(in, containers, container_list);
	out.labels = label_list;
	out.n_labels = in->label_cnt;
	out.containers = container_list;
	out.n_containers = in->container_cnt;
	for (size_t i = 0; i < KUBE_IPS_MAX; i++)
		if (in->ips[i][0])
			ips[out.n_pod_ips++] = (char *)in->ips[i];
	out.pod_ips = ips;
	out.api_uid = if_any(in->api_uid);
	out.service_account = if_any(in->service_account);
	out.node_name = if_any(in->node_name);
	out.phase = if_any(in->phase);
	out.has_created_unix_nano = in->created_unix > 0;
	out.created_unix_nano = in->created_unix * (int64_t)NSEC_PER_SEC;
	out.has_labels_left_out = in->labels_left_out;
	out.labels_left_out = in->labels_left_out;
	out.has_containers_left_out = in->containers_left_out;
	out.containers_left_out = in->containers_left_out;
	*ret_len = varve__v1__pod_state__get_packed_size(&out);
	buf = malloc(*ret_len + 1);
	if (buf)
		varve__v1__pod_state__pack(&out, buf);
	return buf;
}

static bool is_same_owner(const struct kube_owner *a, const struct kube_owner *b)
{
	return !strcmp(a->kind, b->kind) && !strcmp(a->name, b->name) &&
	       a->concluded == b->concluded;
}

/* What its records are to say. Bindings only if that changes; the rest is POD_STATE's. */
static void set_owners(struct pod *p, const struct kube_pod *in)
{
	if (p->api == POD_API_KNOWN && is_same_owner(&p->owner, &in->owner) &&
	    is_same_owner(&p->workload, &in->workload))
		return;
	p->owner = in->owner;
	p->workload = in->workload;
	p->api = POD_API_KNOWN;
	p->rebind = true;
}

static bool is_contradicted(const struct pod *p, const struct kube_pod *in)
{
	return p->named_by_runtime &&
	       (strcmp(p->name, in->name) || strcmp(p->namespace_, in->namespace_));
}

static void take_pod(struct pods *pods, const struct kube_pod *in, uint64_t now_ns)
{
	struct pod *p = get(pods, in->uid, now_ns);
	size_t len;
	uint8_t *state;

	if (!p)
		return;
	if (is_contradicted(p, in)) {
		pods->cost.contradicted++;
		return;
	}
	p->list = pods->list;
	state = pack(in, &len);
	if (!state)
		return;
	if (p->api == POD_API_KNOWN && !p->deleted && p->state && len == p->state_len &&
	    !memcmp(state, p->state, len) && is_same_owner(&p->owner, &in->owner)) {
		free(state);
		return;
	}
	free(p->state);
	p->state = state;
	p->state_len = len;
	p->deleted = false;
	set_owners(p, in);
	if (!p->named_by_runtime) {
		snprintf(p->name, sizeof(p->name), "%s", in->name);
		snprintf(p->namespace_, sizeof(p->namespace_), "%s", in->namespace_);
	}
	set_due(pods, p);
}

static void set_deleted(struct pods *pods, struct pod *p, uint64_t now_ns)
{
	if (p->api != POD_API_KNOWN || p->deleted)
		return;
	p->deleted = true;
	if (!p->container_cnt)
		p->idle_ns = now_ns;
	set_due(pods, p);
}

static void take_gone(struct pods *pods, const struct kube_pod *in, uint64_t now_ns)
{
	struct pod *p;

	/* It may say more than what came before. */
	take_pod(pods, in, now_ns);
	p = find(pods, in->uid);
	if (p && !is_contradicted(p, in))
		set_deleted(pods, p, now_ns);
}

static void end_list(struct pods *pods, uint64_t now_ns)
{
	for (size_t i = 0; i < pods->bucket_cnt; i++)
		for (struct pod *p = pods->buckets[i]; p; p = p->next)
			if (p->list != pods->list)
				set_deleted(pods, p, now_ns);
	pods->listed = true;
}

void pods_take(struct pods *pods, const struct kube_message *m, uint64_t now_ns)
{
	if (m->type == KUBE_LIST_BEGIN)
		pods->list++;
	else if (m->type == KUBE_POD)
		take_pod(pods, &m->pod, now_ns);
	else if (m->type == KUBE_POD_GONE)
		take_gone(pods, &m->pod, now_ns);
	else if (m->type == KUBE_LIST_END)
		end_list(pods, now_ns);
}

static void give_up(struct pods *pods, struct pod *p)
{
	if (p->api != POD_API_PENDING)
		return;
	p->api = POD_API_UNRESOLVED;
	p->rebind = true;
	set_due(pods, p);
}

void pods_give_up(struct pods *pods, uint64_t now_ns)
{
	for (size_t i = 0; i < pods->bucket_cnt; i++)
		for (struct pod *p = pods->buckets[i]; p; p = p->next)
			if (now_ns >= p->pending_ns && now_ns - p->pending_ns > WAIT_NS)
				give_up(pods, p);
}

/* --- what is written */

static void flush(struct pods *pods, struct emit *emit, bool all)
{
	for (size_t i = 0; i < pods->bucket_cnt; i++) {
		for (struct pod *p = pods->buckets[i]; p; p = p->next)
			if ((p->due || (all && p->has_records)) && !declare_pod_state(emit, p))
				clear_due(pods, p);
	}
}

void pods_flush(struct pods *pods, struct emit *emit)
{
	if (pods->due_cnt)
		flush(pods, emit, false);
}

void pods_finish(struct pods *pods, struct emit *emit)
{
	flush(pods, emit, true);
}

static bool is_needed(const struct pod *p)
{
	return p->container_cnt || p->due || (p->api == POD_API_KNOWN && !p->deleted);
}

void pods_expire(struct pods *pods, uint64_t now_ns)
{
	for (size_t i = 0; i < pods->bucket_cnt; i++) {
		for (struct pod *p = pods->buckets[i], *next; p; p = next) {
			next = p->next;
			if (!is_needed(p) && now_ns >= p->idle_ns && now_ns - p->idle_ns > KEEP_NS)
				remove_pod(pods, p);
		}
	}
}
