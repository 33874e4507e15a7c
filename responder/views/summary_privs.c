/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes who may do what: credentials, namespaces, other processes' memory, the kernel; and
 * what was tried and refused.
 */
#include "responder/secrets.h"
#include "responder/views/summary.h"
#include "evidence/base.h"
#include "responder/brief.h"
#include "responder/describe.h"
#include "responder/printed.h"
#include <inttypes.h>
#include <string.h>

#define WEIGHT_KERNEL 1 /* a module, a program in the kernel: before the rest */

/* What is in the list, and first in it. */
static const struct {
	Varve__V1__Event__BodyCase body;
	int weight;
} weights[] = {
	{VARVE__V1__EVENT__BODY_PTRACE, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_PROCESS_MEMORY, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_MODULE, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_BPF, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_PERF_EVENT, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_RAW_SOCKET, WEIGHT_KERNEL},
	{VARVE__V1__EVENT__BODY_CGROUP_MOVE, WEIGHT_KERNEL},
};

static int weight_of(const Varve__V1__Event *ev)
{
	for (size_t i = 0; i < ARRAY_SIZE(weights); i++)
		if (weights[i].body == ev->body_case)
			return weights[i].weight;
	return 0;
}

/* The kind first. */
static char *event_words(const Varve__V1__Event *ev)
{
	const char *label = event_kind_label(ev->body_case);
	struct printed p;
	FILE *out = printed_begin(&p);

	fprintf(out, "%s ", label ? label : "?");
	brief_event(out, ev);
	return printed_end(&p);
}

static void take_privilege(const struct summary_event *e)
{
	struct tally_entry *entry;
	uint32_t call_errno;

	if (describe_errno(e->ev, &call_errno))
		return;
	entry = summary_add(e, SUMMARY_PRIVILEGES, event_words(e->ev), NULL, 1);
	if (entry)
		entry->weight = weight_of(e->ev);
}

static void take_signal(const struct summary_event *e)
{
	const Varve__V1__Signal *s = e->ev->signal;
	struct printed p;
	FILE *out;

	if (s->has_call_errno)
		return;
	const char *name = s->signal < 65 ? sigabbrev_np((int)s->signal) : NULL;

	out = printed_begin(&p);
	fprintf(out, "sent %s%s (%" PRIu32 ") to ", name ? "SIG" : "signal", name ? name : "",
		s->signal);
	describe_text(out, s->target ? s->target->name : NULL, s->target && s->target->has_name_raw,
		      s->target ? s->target->name_raw : (ProtobufCBinaryData){});
	if (s->has_from_outside && s->from_outside)
		fputs(" from outside", out);
	summary_add(e, SUMMARY_KILLS, printed_end(&p), NULL, 1);
}

/* What programs try and expect to fail, all the time. */
static bool is_dull(uint32_t err)
{
	static const uint32_t dull[] = {ENOENT, EEXIST,	   EAGAIN,  EINTR,  EINPROGRESS, ENOTDIR,
					EISDIR, ENOTEMPTY, ENODATA, ENOTTY, EALREADY,	 EISCONN};

	for (size_t i = 0; i < ARRAY_SIZE(dull); i++)
		if (err == dull[i])
			return true;
	return false;
}

/* A connection can fail without the call having done so. */
static bool has_failed(const Varve__V1__Event *ev, uint32_t *ret_errno)
{
	if (ev->body_case != VARVE__V1__EVENT__BODY_CONNECT)
		return describe_errno(ev, ret_errno);
	if (!ev->connect->outcome || strcmp(ev->connect->outcome, "failed"))
		return false;
	*ret_errno = ev->connect->has_outcome_errno ? ev->connect->outcome_errno
						    : ev->connect->call_errno;
	return true;
}

/* That a secret is not there is worth knowing of who looked for it. */
static bool is_tried_secret(const Varve__V1__Event *ev)
{
	return ev->body_case == VARVE__V1__EVENT__BODY_OPEN &&
	       secrets_is_secret_file(ev->open->file);
}

void summary_take_failure(const struct summary_event *e)
{
	uint32_t err;

	if (!has_failed(e->ev, &err))
		return;
	if (is_dull(err) && !is_tried_secret(e->ev))
		e->sum->dull_cnt++;
	else
		summary_add(e, SUMMARY_FAILED, event_words(e->ev), NULL, 1);
}

const struct summary_taker summary_privs[] = {
	{VARVE__V1__EVENT__BODY_CREDENTIALS, take_privilege},
	{VARVE__V1__EVENT__BODY_NAMESPACE, take_privilege},
	{VARVE__V1__EVENT__BODY_ROOT, take_privilege},
	{VARVE__V1__EVENT__BODY_PTRACE, take_privilege},
	{VARVE__V1__EVENT__BODY_PROCESS_MEMORY, take_privilege},
	{VARVE__V1__EVENT__BODY_MEMORY_PROTECT, take_privilege},
	{VARVE__V1__EVENT__BODY_MEMFD, take_privilege},
	{VARVE__V1__EVENT__BODY_MODULE, take_privilege},
	{VARVE__V1__EVENT__BODY_BPF, take_privilege},
	{VARVE__V1__EVENT__BODY_MOUNT, take_privilege},
	{VARVE__V1__EVENT__BODY_UNMOUNT, take_privilege},
	{VARVE__V1__EVENT__BODY_PERF_EVENT, take_privilege},
	{VARVE__V1__EVENT__BODY_RAW_SOCKET, take_privilege},
	{VARVE__V1__EVENT__BODY_CGROUP_MOVE, take_privilege},
	{VARVE__V1__EVENT__BODY_KEYRING, take_privilege},
	{VARVE__V1__EVENT__BODY_SIGNAL, take_signal},
	{},
};
