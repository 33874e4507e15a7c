/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a BINDING says holds for all records of the same container in the same run. From one run to
 * another only an id that nobody else can have is believed: plain runc's names are used again.
 */
#include "responder/amend.h"
#include "evidence/base.h"
#include "responder/history.h"
#include <string.h>

#define ID_LEN 64

static bool is(const char *s, const char *word)
{
	return s && !strcmp(s, word);
}

static bool is_unique(const char *id)
{
	return strlen(id) == ID_LEN && strspn(id, "0123456789abcdef") == ID_LEN;
}

static const struct history_identity *
identity_of(const struct history *h, const struct history_container *c, const Varve__V1__Event *ev)
{
	const struct history_stream *s;

	if (is_unique(c->id))
		return &c->who;
	s = history_find_stream(h, c, ev);
	return s ? &s->who : NULL;
}

/* All is said: nearly every record. */
static bool is_settled(const Varve__V1__Event *ev)
{
	return is(ev->container->metadata_state, "RESOLVED") &&
	       (!ev->pod || is(ev->pod->api_state, "KNOWN"));
}

static void amend_container(const struct history_identity *who, struct amended *a)
{
	a->container = *a->ev.container;
	a->ev.container = &a->container;
	a->container.metadata_state = who->state;
	if (who->runtime)
		a->container.runtime = who->runtime;
	if (who->name)
		a->container.name = who->name;
	if (who->image)
		a->container.image = who->image;
	if (who->is_sandbox) {
		a->container.has_is_sandbox = true;
		a->container.is_sandbox = true;
	}
}

static void own_pod(struct amended *a)
{
	if (a->ev.pod == &a->pod)
		return;
	varve__v1__pod__init(&a->pod);
	if (a->ev.pod)
		a->pod = *a->ev.pod;
	a->ev.pod = &a->pod;
}

static void amend_pod(const struct history_identity *who, struct amended *a)
{
	if (!who->pod_uid && !who->pod_name)
		return;
	own_pod(a);
	a->pod.uid = who->pod_uid;
	a->pod.name = who->pod_name;
	a->pod.namespace_ = who->pod_namespace;
}

static Varve__V1__PodOwner *owner(Varve__V1__PodOwner *o, char *kind, char *name, bool concluded)
{
	if (!kind)
		return NULL;
	varve__v1__pod_owner__init(o);
	o->kind = kind;
	o->name = name;
	o->has_concluded = o->concluded = concluded;
	return o;
}

static void amend_api(const struct history_identity *who, struct amended *a)
{
	own_pod(a);
	a->pod.api_state = who->api_state;
	a->pod.owner = owner(&a->owner, who->owner_kind, who->owner_name, who->owner_concluded);
	a->pod.workload = owner(&a->workload, who->workload_kind, who->workload_name,
				who->workload_concluded);
}

/* PENDING, UNRESOLVED, KNOWN: what came later holds, unless it knows less. */
static bool knows_more(const char *later, const char *said)
{
	return is(later, "KNOWN") ? !is(said, "KNOWN")
				  : is(later, "UNRESOLVED") && is(said, "PENDING");
}

void amend(const struct history *h, const struct history_container *c, const Varve__V1__Event *ev,
	   struct amended *ret)
{
	const struct history_identity *who;

	ret->ev = *ev;
	if (!c || !ev->container || is_settled(ev) ||
	    ev->body_case == VARVE__V1__EVENT__BODY_BINDING)
		return;
	who = identity_of(h, c, ev);
	if (!who)
		return;
	if (!is(ev->container->metadata_state, "RESOLVED") && who->state) {
		amend_container(who, ret);
		amend_pod(who, ret);
	}
	if (ret->ev.pod && knows_more(who->api_state, ret->ev.pod->api_state))
		amend_api(who, ret);
}
