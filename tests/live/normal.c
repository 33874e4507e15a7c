/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/normal.h"
#include "evidence/json.h"

static const struct normal_drop always[] = {
	{NULL, "inode", "another file each time"},
	{NULL, "socket_cookie", "a counter"},
	{NULL, "open_boot_time_nano", "a time"},
	{NULL, "found_late", "whether the sensor's look or the call's exit found the close first"},
	{NULL, "process_uid", "another process"},
	{NULL, "pid", "another process; in Namespaces the same, but the tests' own"},
	{NULL, "tid", "another process"},
	{NULL, "parent_tid", "another process"},
	{NULL, "start_boot_time_nano", "a time"},
	{NULL, "duration_nano", "a time"},
	{NULL, "cgroup_id", "another cgroup"},
	{NULL, "from_cgroup_id", "another cgroup"},
	{NULL, "peer_pid", "another process"},
	{NULL, "target_ns_pid", "another process"},
	{NULL, "target_tid", "another process"},
	{NULL, "closed_by_pid", "another process"},
	{NULL, "closed_by_start_boot_time_nano", "a time"},
	{NULL, "first_boot_time_nano", "a time"},
	{NULL, "last_boot_time_nano", "a time"},
	{"PROCESS_MEMORY", "address", "somewhere else each time"},
	{"NAMESPACE", "namespaces", "new ones"},
	{"NAMESPACE", "pid_for_children", "a new one"},
	{"KEYRING", "key", "random"},
	{"KEYRING", "keyring", "random"},
};

/* The end of what was begun before: its time says when that was noticed. */
static const char *const late[] = {"CLOSE", "CLOSE_WRITE", "UDP_FLOW"};

/* --- leaving out */

static bool is_meant(const struct normal_drop *d, const char *kind, const char *message,
		     const char *field)
{
	const char *dot = strchr(d->field, '.');
	size_t len = dot ? dot - d->field : 0;

	if (d->kind && strcmp(d->kind, kind))
		return false;
	if (dot && (strncmp(d->field, message, len) || message[len]))
		return false;
	return !strcmp(dot ? dot + 1 : d->field, field);
}

static bool is_dropped(const char *kind, const char *message, const char *field,
		       const struct normal_how *how)
{
	const struct normal_drop *d;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(always); i++)
		if (is_meant(&always[i], kind, message, field))
			return true;
	for (d = how->also; d && d->field; d++)
		if (is_meant(d, kind, message, field))
			return true;
	return false;
}

static void leave_out(const ProtobufCFieldDescriptor *f, ProtobufCMessage *msg)
{
	char *base = (char *)msg;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		*(size_t *)(base + f->quantifier_offset) = 0;
	else if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE)
		*(void **)(base + f->offset) = NULL;
	else
		*(protobuf_c_boolean *)(base + f->quantifier_offset) = 0;
}

static void forget_port(Varve__V1__Endpoint *e, const struct normal_how *how)
{
	if (e->has_port && e->port && e->port != how->port[0] && e->port != how->port[1])
		e->has_port = 0;
}

static void clean(const char *kind, ProtobufCMessage *msg, const struct normal_how *how)
{
	unsigned int i;

	if (msg->descriptor == &varve__v1__endpoint__descriptor)
		forget_port((void *)msg, how);
	for (i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		ProtobufCMessage *inner = *(void **)((char *)msg + f->offset);

		if (is_dropped(kind, msg->descriptor->short_name, f->name, how))
			leave_out(f, msg);
		else if (f->type == PROTOBUF_C_TYPE_MESSAGE &&
			 f->label != PROTOBUF_C_LABEL_REPEATED && inner)
			clean(kind, inner, how);
	}
}

/* --- printing */

/* Every `what` becomes `with`, which is not longer. */
static void replace(char *text, const char *what, const char *with)
{
	size_t len = strlen(what), n = strlen(with);

	EXPECT(n <= len);
	while ((text = strstr(text, what))) {
		memcpy(text, with, n);
		memmove(text + n, text + len, strlen(text + len) + 1);
		text += n;
	}
}

static ProtobufCMessage *body_of(const Varve__V1__Event *ev)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field(ev->base.descriptor, ev->body_case);

	EXPECT(f && f->type == PROTOBUF_C_TYPE_MESSAGE);
	return *(void **)((char *)ev + f->offset);
}

/* Of an io_uring's worker ("iou-wrk-123") without the number. At a process's end it is the name of
 * whichever thread was the last. */
static const char *name_of(const Varve__V1__Event *ev)
{
	const char *name = ev->process ? ev->process->name : NULL;

	if (!name || !strcmp(ev->kind, "EXIT"))
		return "";
	return strncmp(name, "iou-wrk-", 8) ? name : "iou-wrk";
}

static char *line_of(struct live *t, Varve__V1__Event *ev, const struct normal_how *how)
{
	const Varve__V1__Process *p = ev->process;
	ProtobufCMessage *body = body_of(ev);
	char *line = NULL;
	size_t size;
	FILE *f = open_memstream(&line, &size);

	EXPECT(f);
	clean(ev->kind, body, how);
	fprintf(f, "%s by %s (%s) uid %u euid %u: ", ev->kind, name_of(ev),
		p && p->exe_path ? p->exe_path : "", p ? p->uid : 0, p ? p->euid : 0);
	EXPECT(!json_print(f, body) && !fclose(f));
	replace(line, how->dir, "DIR");
	replace(line, t->id, "CONTAINER");
	return line;
}

static int by_time(const void *a, const void *b)
{
	const Varve__V1__Event *const *x = a, *const *y = b;

	return (*x)->boot_time_nano < (*y)->boot_time_nano
		       ? -1
		       : (*x)->boot_time_nano > (*y)->boot_time_nano;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_late(const Varve__V1__Event *ev)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(late); i++)
		if (!strcmp(ev->kind, late[i]))
			return true;
	return false;
}

static size_t add_lines(struct live *t, pid_t pid, const struct normal_how *how, bool are_late,
			char **lines, size_t n)
{
	size_t i;

	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (ev->kernel_number && is_late(ev) == are_late &&
		    (!pid || (ev->process && ev->process->pid == (uint32_t)pid)))
			lines[n++] = line_of(t, t->events[i], how);
	}
	return n;
}

size_t normal_records(struct live *t, pid_t pid, const struct normal_how *how, char ***ret_lines)
{
	char **lines = calloc(t->event_cnt + 1, sizeof(*lines));
	size_t n, others;

	EXPECT(lines);
	qsort(t->events, t->event_cnt, sizeof(*t->events), by_time);
	others = add_lines(t, pid, how, false, lines, 0);
	n = add_lines(t, pid, how, true, lines, others);
	qsort(lines + others, n - others, sizeof(*lines), by_text);
	*ret_lines = lines;
	return n;
}

#define TOLD_MAX 12

void normal_expect_same(const char *const what[2], char **lines[2], const size_t cnt[2])
{
	size_t i, differ = 0;

	for (i = 0; i < cnt[0] || i < cnt[1]; i++) {
		const char *a = i < cnt[0] ? lines[0][i] : "(no more)",
			   *b = i < cnt[1] ? lines[1][i] : "(no more)";

		if (strcmp(a, b) && differ++ < TOLD_MAX)
			printf("# record %zu:\n# %s: %s\n# %s: %s\n", i, what[0], a, what[1], b);
	}
	fflush(stdout);
	if (differ)
		FAIL("%zu of %zu and %zu records differ; they are told above", differ, cnt[0],
		     cnt[1]);
}
