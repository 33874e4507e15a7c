/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <string.h>

static int fill_after(const struct ev_cred *c, struct arena *arena, Varve__V1__CredentialSet **ret)
{
	Varve__V1__CredentialSet *out;

	if (!c->obtained)
		return 0;
	out = arena_alloc(arena, sizeof(*out));
	if (!out)
		return -ENOMEM;
	varve__v1__credential_set__init(out);
	SET(out, uid, c->uid);
	SET(out, gid, c->gid);
	SET(out, euid, c->euid);
	SET(out, egid, c->egid);
	SET(out, suid, c->suid);
	SET(out, sgid, c->sgid);
	SET(out, fsuid, c->fsuid);
	SET(out, fsgid, c->fsgid);
	SET(out, cap_effective, c->cap_effective);
	SET(out, cap_permitted, c->cap_permitted);
	SET(out, cap_inheritable, c->cap_inheritable);
	SET(out, cap_bounding, c->cap_bounding);
	SET(out, cap_ambient, c->cap_ambient);
	SET(out, securebits, c->securebits);
	SET(out, user_namespace, c->user_ns);
	*ret = out;
	return 0;
}

static int fill_id(const struct ev_credentials *in, struct arena *arena,
		   Varve__V1__Credentials *out)
{
	(void)arena;
	SET(out, id, in->arg[0]);
	return 0;
}

static int fill_two_ids(const struct ev_credentials *in, struct arena *arena,
			Varve__V1__Credentials *out)
{
	(void)arena;
	SET(out, real_id, in->arg[0]);
	SET(out, effective_id, in->arg[1]);
	return 0;
}

static int fill_three_ids(const struct ev_credentials *in, struct arena *arena,
			  Varve__V1__Credentials *out)
{
	SET(out, saved_id, in->arg[2]);
	return fill_two_ids(in, arena, out);
}

static int fill_groups(const struct ev_credentials *in, struct arena *arena,
		       Varve__V1__Credentials *out)
{
	size_t cnt = MIN(in->groups_cnt, (uint32_t)EV_CREDENTIALS_GROUPS);

	SET(out, groups_count, in->arg[0]);
	if (in->err)
		return 0;
	out->groups = arena_alloc(arena, (cnt + 1) * sizeof(*out->groups));
	if (!out->groups)
		return -ENOMEM;
	memcpy(out->groups, in->groups, cnt * sizeof(*out->groups));
	out->n_groups = cnt;
	return 0;
}

static int fill_caps(const struct ev_credentials *in, struct arena *arena,
		     Varve__V1__Credentials *out)
{
	(void)arena;
	if (!(in->flags & EV_CREDENTIALS_HAS_CAPS))
		return 0;
	SET(out, requested_effective, in->caps_asked[0] & INT64_MAX);
	SET(out, requested_permitted, in->caps_asked[1] & INT64_MAX);
	SET(out, requested_inheritable, in->caps_asked[2] & INT64_MAX);
	return 0;
}

static int fill_option(const struct ev_credentials *in, struct arena *arena,
		       Varve__V1__Credentials *out)
{
	(void)arena;
	SET(out, option, in->arg[0]);
	SET(out, argument, in->arg[1] & INT64_MAX);
	SET(out, argument2, in->arg[2] & INT64_MAX);
	return 0;
}

/* What each call was asked for. */
static const struct {
	const char *call;
	int (*fill)(const struct ev_credentials *in, struct arena *arena,
		    Varve__V1__Credentials *out);
} asked[] = {
	{"setuid", fill_id},	       {"setgid", fill_id},	      {"setfsuid", fill_id},
	{"setfsgid", fill_id},	       {"setreuid", fill_two_ids},    {"setregid", fill_two_ids},
	{"setresuid", fill_three_ids}, {"setresgid", fill_three_ids}, {"setgroups", fill_groups},
	{"capset", fill_caps},	       {"prctl", fill_option},
};

static int fill_asked(const struct ev_credentials *in, struct arena *arena,
		      Varve__V1__Credentials *out)
{
	size_t i;

	out->call = in->call == EV_CREDENTIALS_EXEC ? (char *)"exec" : fill_call(in->call);
	for (i = 0; out->call && i < ARRAY_SIZE(asked); i++)
		if (!strcmp(out->call, asked[i].call))
			return asked[i].fill(in, arena, out);
	return 0;
}

int event_fill_credentials(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_credentials *in = (const void *)rec->hdr;
	Varve__V1__Credentials *out;
	int err = NEW_BODY(arena, ev, CREDENTIALS, credentials, out);

	if (err)
		return err;
	if (in->err)
		SET(out, call_errno, in->err);
	if (in->call == EV_CREDENTIALS_KERNEL)
		SET(out, within_syscall, in->within_nr);
	if (in->flags & EV_CREDENTIALS_NR_32)
		SET(out, within_32_bit, 1);
	err = fill_asked(in, arena, out);
	return err ? err : fill_after(&in->after, arena, &out->after);
}
