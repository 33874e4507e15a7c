/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

int event_fill_namespace(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_namespace *in = (const void *)rec->hdr;
	Varve__V1__Namespace *out;
	int err;

	/* Not NEW_BODY: protobuf-c adds an underscore to the field, a keyword of C++, alone. */
	out = arena_alloc(arena, sizeof(*out));
	if (!out)
		return -ENOMEM;
	varve__v1__namespace__init(out);
	ev->body_case = VARVE__V1__EVENT__BODY_NAMESPACE;
	ev->namespace_ = out;
	out->call = fill_call(in->call);
	if (in->flags & EV_NAMESPACE_FLAGS)
		SET(out, flags, in->asked);
	if (in->flags & EV_NAMESPACE_USER_MEMORY)
		SET(out, flags_user_memory, 1);
	if (in->flags & EV_NAMESPACE_FOR_CHILDREN)
		SET(out, pid_for_children, in->pid_for_children);
	if (in->err)
		SET(out, call_errno, in->err);
	err = fill_peer(&in->child, arena, &out->child);
	return err ? err : fill_namespaces(&in->ns, arena, &out->namespaces);
}
