/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 32-bit system calls make the records that 64-bit ones make, once each: the same list of calls by
 * either entry (int $0x80), each held against what it returned, and both against each other.
 */
#include "tests/live/account.h"
#include "tests/live/normal.h"
#include "tests/live/scenario.h"
#include <fcntl.h>

static const Varve__V1__File *file_of(const Varve__V1__Event *ev)
{
	switch (ev->body_case) {
	case VARVE__V1__EVENT__BODY_OPEN:
		return ev->open->file;
	case VARVE__V1__EVENT__BODY_RENAME:
		return ev->rename->old_file;
	case VARVE__V1__EVENT__BODY_UNLINK:
		return ev->unlink->file;
	default:
		return NULL;
	}
}

/* call_errno, of whatever kind. */
static uint32_t errno_of(const Varve__V1__Event *ev)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field(ev->base.descriptor, ev->body_case);
	const ProtobufCMessage *body = *(void **)((char *)ev + f->offset);

	f = protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "call_errno");
	if (!f || !*(const protobuf_c_boolean *)((const char *)body + f->quantifier_offset))
		return 0;
	return *(const uint32_t *)((const char *)body + f->offset);
}

static void expect_step(const struct scenario *s, const struct scenario_step *step,
			const Varve__V1__Event *ev)
{
	const Varve__V1__File *file = file_of(ev);
	char path[400];

	if (errno_of(ev) != (step->res < 0 ? (uint32_t)-step->res : 0))
		FAIL("%s of %s: errno %u is recorded, the call returned %d", step->kind, step->path,
		     errno_of(ev), step->res);
	if (step->path[0]) {
		EXPECT(file);
		snprintf(path, sizeof(path), "%s/%s", s->dir, step->path);
		EXPECT_STR(file->path, path);
		if (step->ino)
			EXPECT_FIELD(file, inode, step->ino);
	}
	if (ev->body_case == VARVE__V1__EVENT__BODY_OPEN && step->res >= 0 && !live_trampolines())
		EXPECT_FIELD(ev->open, fd, (uint32_t)step->res);
	if (ev->body_case == VARVE__V1__EVENT__BODY_IO_URING && step->res >= 0)
		EXPECT_FIELD(ev->io_uring, fd, (uint32_t)step->res);
}

static size_t steps_of(const struct scenario *s, const char *kind, size_t end)
{
	size_t i, n = 0;

	for (i = 0; i < end; i++)
		n += !strcmp(s->step[i].kind, kind);
	return n;
}

/* Each step has a record, the n-th of its kind, and there are no more. */
static void expect_steps(struct live *t, const struct scenario *s, pid_t pid)
{
	size_t i;

	for (i = 0; i < s->step_cnt; i++) {
		const struct scenario_step *step = &s->step[i];

		if (live_count(t, step->kind, 0) != steps_of(s, step->kind, s->step_cnt))
			FAIL("%zu records of %s, of %zu calls", live_count(t, step->kind, 0),
			     step->kind, steps_of(s, step->kind, s->step_cnt));
		expect_step(s, step, live_nth(t, step->kind, pid, steps_of(s, step->kind, i)));
	}
}

static size_t run(struct live *t, struct scenario *s, bool is_32, char ***ret_lines)
{
	char dir[300];

	/* 64-bit entries set O_LARGEFILE by themselves. */
	static const struct normal_drop drops[] = {{"OPEN", "flags", "O_LARGEFILE"}, {}};
	struct normal_how how = {.dir = s->dir,
				 .also = drops,
				 .port = {network_port(&s->listener), network_port(&s->closed)}};
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/%d", t->dir, is_32);
	scenario_begin(s, dir, is_32);
	t->id[0] = '\0';
	pid = live_spawn(t, scenario_run, s);
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	live_end(t);
	expect_steps(t, s, pid);
	EXPECT_UINT(live_nth(t, "OPEN", pid, 0)->open->flags & ~0100000u, O_RDWR);
	return normal_records(t, 0, &how, ret_lines);
}

LIVE_TIMEOUT(ia32_as_64, LIVE_FIRST, 60)
{
	static const char *const what[2] = {"the 64-bit entry", "the 32-bit entry"};
	char **lines[2], why[64];
	struct scenario *s;
	size_t cnt[2];
	int i;

	if (!scenario_has_32(why, sizeof(why)))
		live_skip("this kernel runs no 32-bit calls: %s", why);
	s = scenario_new(t);
	for (i = 0; i < 2; i++)
		cnt[i] = run(t, s, i, &lines[i]);
	normal_expect_same(what, lines, cnt);
	EXPECT(cnt[0] > s->step_cnt);
}
