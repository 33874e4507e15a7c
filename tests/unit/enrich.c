/* SPDX-License-Identifier: Apache-2.0 */
/* What the process table adds to a record: identity, image, parent, ancestry, the runtime's own
 * processes. */
#include "sensor/enrich.h"
#include "evidence/arena.h"
#include "sensor/proctab.h"
#include "tests/unit/raw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define S NSEC_PER_SEC

static struct raw raw;
static struct arena arena;
static Varve__V1__Event ev;
static struct proctab *table;
static uint16_t exec_id; /* of the process of the next records */

static int setup(void **state)
{
	(void)state;
	table = NULL;
	exec_id = 0;
	return proctab_new("3f2a9c1e-5b7d-4e80-a1c2-d3e4f5061728", 64, &table) ||
	       arena_init(&arena, 1 << 20);
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	proctab_free(table);
	return 0;
}

/* The record of a process that started at the second of its pid. */
static void begin(unsigned int kind, size_t size, uint32_t pid, uint32_t parent, const char *comm)
{
	raw_begin(&raw, kind, size);
	raw.hdr.task.tgid = raw.hdr.task.tid = pid;
	raw.hdr.task.start_ns = pid * S;
	raw.hdr.task.exec_id = exec_id;
	snprintf(raw.hdr.task.comm, sizeof(raw.hdr.task.comm), "%s", comm);
	if (parent)
		raw_parent(&raw, parent, parent * S, "parent");
}
#define BEGIN(NAME, name, pid, parent, comm) \
	begin(EV_##NAME, sizeof(struct ev_##name), pid, parent, comm)

/* Its first process has number 20. */
static struct enrich_container in = {.first_pid = 20, .first_start_ns = 20 * S};

static Varve__V1__Process *enrich(bool in_container)
{
	struct record rec;

	assert_int_equal(record_check(&raw, raw_end(&raw), &rec), 0);
	arena_reset(&arena);
	assert_int_equal(record_to_event(&rec, &arena, &ev), 0);
	in.cgroup_id = in_container;
	assert_int_equal(enrich_process(table, &rec, &in, in_container, &arena, &ev), 0);
	return ev.process;
}

static Varve__V1__Process *fork_of(uint32_t pid, uint32_t parent, const char *comm)
{
	BEGIN(FORK, fork, pid, parent, comm);
	return enrich(true);
}

static Varve__V1__Process *exec_of(uint32_t pid, uint32_t parent, const char *exe, const char *arg)
{
	BEGIN(EXEC, exec, pid, parent, "prog");
	raw_path(&raw, &raw.exec.exe, exe);
	raw_put(&raw, &raw.exec.args, arg, strlen(arg) + 1);
	return enrich(true);
}

static void test_identity_and_image(void **state)
{
	Varve__V1__Process *p = fork_of(11, 10, "x");
	char uid[UUID_LEN + 1];

	(void)state;
	proctab_uid(table, 11, 11 * S, uid);
	assert_string_equal(p->process_uid, uid);
	assert_null(p->exe_path);
	assert_null(p->cmd_line);
	assert_false(p->has_from_snapshot || p->has_runtime_setup);
	p = exec_of(11, 10, "/bin/\xff", "ls");
	assert_string_equal(p->process_uid, uid);
	assert_string_equal(p->exe_path, "/bin/\xef\xbf\xbd");
	assert_int_equal(p->exe_path_raw.len, 6);
	assert_string_equal(p->cmd_line, "ls");
	p = fork_of(12, 11, "x");
	assert_string_equal(p->cmd_line, "ls");
	BEGIN(EXIT, exit, 12, 11, "x");
	p = enrich(true);
	assert_string_equal(p->cmd_line, "ls");
	BEGIN(OPEN, open, 12, 11, "x"); /* from another ring, a little late */
	assert_string_equal(enrich(true)->cmd_line, "ls");
}

static const char *exe_in_exit_of(uint32_t pid)
{
	BEGIN(EXIT, exit, pid, 10, "x");
	return enrich(true)->exe_path;
}

/* An exec whose record was lost or held back: what it runs is not known, and not what it ran. */
static void test_exec_without_record(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		static const uint16_t first[] = {7, UINT16_MAX - 1}; /* it wraps */
		uint32_t pid = 11 + 10 * i;

		exec_id = first[i];
		fork_of(pid, 10, "x");
		exec_id++;
		exec_of(pid, 10, "/bin/first", "first");
		assert_string_equal(exe_in_exit_of(pid), "/bin/first");
		assert_string_equal(fork_of(pid + 1, pid, "x")->exe_path, "/bin/first");
		exec_id += 2; /* with the next one, past 0, which says nothing */
		assert_null(fork_of(pid + 2, pid, "x")->exe_path);
		assert_null(exe_in_exit_of(pid));
		assert_null(fork_of(pid + 3, pid, "x")->exe_path);
		exec_id -= 2;
		assert_null(exe_in_exit_of(pid)); /* a late one */
		exec_id += 3;
		assert_string_equal(exec_of(pid, 10, "/bin/second", "second")->exe_path,
				    "/bin/second");
		exec_id -= 3;
		assert_null(exe_in_exit_of(pid)); /* of before, which is not kept */
		exec_of(pid, 10, "/bin/first", "first");
		exec_id = 0; /* not known */
		assert_string_equal(exe_in_exit_of(pid), "/bin/second");
	}
}

/* Of what it opened or connected to before, which ends later. */
static void test_exec_without_record_and_late(void **state)
{
	(void)state;
	exec_id = 3;
	exec_of(11, 10, "/bin/first", "first");
	BEGIN(CLOSE, close, 11, 10, "x");
	assert_string_equal(enrich(true)->exe_path, "/bin/first");
	exec_id = 4;
	BEGIN(CLOSE, close, 11, 10, "x");
	assert_null(enrich(true)->exe_path);
	exec_id = 5;
	exec_of(11, 10, "/bin/third", "third");
	exec_id = 4;
	BEGIN(CLOSE, close, 11, 10, "x");
	assert_null(enrich(true)->exe_path);
	exec_id = 5;
	BEGIN(CLOSE, close, 11, 10, "x");
	assert_string_equal(enrich(true)->exe_path, "/bin/third");
}

/* A process of the runtime's is one no more, once it has made an exec in the container. */
static void test_exec_without_record_ends_setup(void **state)
{
	(void)state;
	exec_id = 3;
	assert_true(fork_of(11, 10, "runc:[2:INIT]")->runtime_setup);
	exec_id = 4;
	BEGIN(EXIT, exit, 11, 10, "sh");
	assert_false(enrich(true)->runtime_setup);
	/* What tells of it first may be what a socket did. */
	exec_id = 3;
	assert_true(fork_of(12, 10, "runc:[2:INIT]")->runtime_setup);
	exec_id = 4;
	BEGIN(CLOSE, close, 12, 10, "runc:[2:INIT]");
	enrich(true);
	BEGIN(OPEN, open, 12, 10, "runc:[2:INIT]");
	assert_false(enrich(true)->runtime_setup);
}

static void test_parent(void **state)
{
	Varve__V1__Process *p;
	char uid[UUID_LEN + 1];

	(void)state;
	exec_of(10, 1, "/bin/sh", "sh");
	p = fork_of(11, 10, "x");
	proctab_uid(table, 10, 10 * S, uid);
	assert_string_equal(p->parent->process_uid, uid);
	assert_int_equal(p->parent->pid, 10);
	assert_int_equal(p->parent->start_boot_time_nano, 10 * S);
	assert_string_equal(p->parent->name, "parent");
	assert_string_equal(p->parent->exe_path, "/bin/sh");
	assert_string_equal(p->parent->cmd_line, "sh");
	/* Given to another parent meanwhile: the kernel's word of now. */
	BEGIN(OPEN, open, 11, 1, "x");
	p = enrich(true);
	assert_int_equal(p->parent->pid, 1);
	assert_null(p->parent->exe_path);
	/* None was obtained. */
	BEGIN(OPEN, open, 50, 0, "x");
	assert_null(enrich(true)->parent);
}

static void test_ancestry(void **state)
{
	Varve__V1__Process *p = NULL;

	(void)state;
	for (uint32_t pid = 2; pid <= 31; pid++)
		p = fork_of(pid, pid - 1, "x");
	assert_int_equal(p->n_ancestry, 16);
	for (size_t i = 0; i < p->n_ancestry; i++) {
		assert_int_equal(p->ancestry[i]->pid, 30 - i);
		assert_string_equal(p->ancestry[i]->name, "x");
		assert_int_equal(strlen(p->ancestry[i]->process_uid), UUID_LEN);
	}
	/* It ends where no more is known: with a parent known as such only. */
	BEGIN(OPEN, open, 4, 3, "x");
	p = enrich(true);
	assert_int_equal(p->n_ancestry, 3);
	assert_int_equal(p->ancestry[2]->pid, 1);
	assert_null(p->ancestry[2]->name);
}

/* Who is each other's ancestor cannot make us turn for ever. */
static void test_ancestry_in_a_circle(void **state)
{
	(void)state;
	fork_of(20, 21, "a");
	fork_of(21, 20, "b");
	assert_int_equal(fork_of(20, 21, "a")->n_ancestry, 16);
}

static void test_runtime_setup(void **state)
{
	(void)state;
	assert_true(fork_of(10, 9, "runc:[1:CHILD]")->runtime_setup);
	assert_true(fork_of(11, 10, "runc:[2:INIT]")->runtime_setup);
	assert_true(fork_of(12, 9, "crun")->runtime_setup);
	assert_false(fork_of(13, 9, "sh")->has_runtime_setup);
	assert_false(exec_of(11, 10, "/bin/sh", "sh")->has_runtime_setup);
	/* A program of the container that takes the name, and its children. */
	BEGIN(OPEN, open, 11, 10, "runc:[2:INIT]");
	assert_false(enrich(true)->has_runtime_setup);
	assert_false(fork_of(14, 11, "runc")->has_runtime_setup);
	/* Outside of a container it is a program like any other. */
	BEGIN(OPEN, open, 15, 1, "runc");
	assert_false(enrich(false)->has_runtime_setup);
}

static void test_snapshot(void **state)
{
	Varve__V1__Process *p;

	(void)state;
	BEGIN(PROCESS_SNAPSHOT, process_snapshot, 10, 1, "runc");
	raw_path(&raw, &raw.process_snapshot.exe, "/bin/old");
	p = enrich(true);
	assert_true(p->from_snapshot);
	assert_string_equal(p->exe_path, "/bin/old");
	assert_null(p->cmd_line);
	assert_false(p->has_runtime_setup); /* it may have run for long */
	p = fork_of(11, 10, "x");
	assert_false(p->has_from_snapshot);
	assert_string_equal(p->exe_path, "/bin/old");
}

/* Those who make and remove containers are out of scope, and their end is not seen: they must not
 * fill the table. */
static void test_makers_do_not_stay(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		BEGIN(CONTAINER_START, container_start, 100 + 2 * i, 1, "runc");
		raw.hdr.time_ns = (1000 + i) * S;
		enrich(true);
		BEGIN(CONTAINER_STOP, container_stop, 101 + 2 * i, 1, "runc");
		raw.hdr.time_ns = (1000 + i) * S;
		enrich(true);
	}
	assert_int_equal(proctab_cost(table).refused, 0);
	proctab_expire(table, 1000000 * S);
	proctab_expire(table, 2000000 * S);
	assert_int_equal(proctab_count(table), 0);
}

/* The other process that a record names has the uid that its own records have. */
static void test_other_process(void **state)
{
	char uid[UUID_LEN + 1];

	(void)state;
	proctab_uid(table, 20, 20 * S, uid);
	BEGIN(SIGNAL, signal, 10, 1, "killer");
	raw.signal.target = (struct ev_peer){.tgid = 20, .start_ns = 20 * S, .comm = "target"};
	enrich(true);
	assert_string_equal(ev.signal->target->process_uid, uid);
	assert_string_equal(ev.signal->target->name, "target");
	BEGIN(OOM_KILL, oom_kill, 10, 1, "victim");
	raw.oom_kill.trigger = raw.signal.target;
	raw.oom_kill.trigger.tgid = 20;
	raw.oom_kill.trigger.start_ns = 20 * S;
	enrich(true);
	assert_string_equal(ev.oom_kill->trigger->process_uid, uid);
	BEGIN(EXEC_SESSION, exec_session, 10, 1, "init");
	raw.exec_session.by.tgid = 20;
	raw.exec_session.by.start_ns = 20 * S;
	enrich(true);
	assert_string_equal(ev.exec_session->by->process_uid, uid);
	raw.exec_session.by.start_ns = 0;
	enrich(true);
	assert_null(ev.exec_session->by);
}

/* Who sends a signal into a container is not in it, and does not stay in the table. */
static void test_sender_from_outside(void **state)
{
	(void)state;
	BEGIN(SIGNAL, signal, 10, 0, "kill");
	raw.signal.flags = EV_SIGNAL_FROM_OUTSIDE;
	raw.signal.target.tgid = 20;
	raw.signal.target.start_ns = 20 * S;
	enrich(true);
	assert_int_equal(proctab_find(table, 10, 10 * S)->container, 0);
	proctab_expire(table, 1000000 * S);
	assert_null(proctab_find(table, 10, 10 * S));
	raw.signal.flags = 0;
	enrich(true);
	assert_int_not_equal(proctab_find(table, 10, 10 * S)->container, 0);
	proctab_expire(table, 1000000 * S);
	assert_non_null(proctab_find(table, 10, 10 * S));
}

/* The end of a connection says nothing new of its process, nor that it lives. */
static void test_close_is_late(void **state)
{
	Varve__V1__Process *p;

	(void)state;
	exec_of(10, 0, "/bin/sh", "sh");
	BEGIN(CLOSE, close, 10, 0, "before");
	p = enrich(false);
	assert_string_equal(p->exe_path, "/bin/sh");
	assert_string_equal(p->name, "before");
	assert_string_equal(proctab_find(table, 10, 10 * S)->comm, "prog");
	assert_int_not_equal(proctab_find(table, 10, 10 * S)->container, 0);
	BEGIN(CLOSE, close, 11, 0, "gone");
	assert_non_null(enrich(false)->process_uid);
	proctab_expire(table, 1000000 * S);
	assert_null(proctab_find(table, 11, 11 * S));
	assert_non_null(proctab_find(table, 10, 10 * S));
}

/* No room in the table: the record goes out with what it says itself. */
static void test_full_table(void **state)
{
	Varve__V1__Process *p;
	char uid[UUID_LEN + 1];

	(void)state;
	for (uint32_t pid = 100; pid < 164; pid++) {
		BEGIN(OPEN, open, pid, 0, "x");
		enrich(true);
	}
	p = exec_of(11, 10, "/bin/sh", "sh");
	assert_true(proctab_cost(table).refused > 0);
	proctab_uid(table, 11, 11 * S, uid);
	assert_string_equal(p->process_uid, uid);
	assert_string_equal(p->name, "prog");
	assert_string_equal(ev.exec->file->path, "/bin/sh");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- how it came into the container; its first process has number 20 */

static void expect_entry(const Varve__V1__Process *p, const char *how, uint32_t pid)
{
	char uid[UUID_LEN + 1];

	assert_non_null(p->entry);
	proctab_uid(table, pid, pid * S, uid);
	assert_string_equal(p->entry->how, how);
	assert_string_equal(p->entry->process_uid, uid);
}

/* made by `maker`, with another parent as the runtimes' CLONE_PARENT makes it */
static Varve__V1__Process *made_by(uint32_t pid, uint32_t maker)
{
	BEGIN(FORK, fork, pid, 7, "x");
	raw.fork.maker_tgid = maker;
	raw.fork.maker_start_ns = maker * S;
	return enrich(true);
}

static void test_entry_by_entrypoint(void **state)
{
	(void)state;
	/* The first one itself has no record before it makes another one. */
	expect_entry(made_by(21, 20), "entrypoint", 20);
	expect_entry(made_by(22, 21), "entrypoint", 20);
	expect_entry(exec_of(22, 7, "/bin/x", "x"), "entrypoint", 20);
	expect_entry(exec_of(20, 7, "/bin/init", "init"), "entrypoint", 20);
}

static void test_entry_by_session(void **state)
{
	(void)state;
	BEGIN(EXEC_SESSION, exec_session, 30, 7, "runc");
	expect_entry(enrich(true), "session", 30);
	expect_entry(exec_of(30, 7, "/bin/sh", "sh"), "session", 30);
	expect_entry(made_by(31, 30), "session", 30);
	BEGIN(EXEC_SESSION, exec_session, 31, 7,
	      "x"); /* it left, and came again: it is who it was */
	expect_entry(enrich(true), "session", 30);
	expect_entry(made_by(32, 31), "session", 30);
}

/* Nothing is guessed: not by the parent, which may be whoever took an orphan, nor of another
 * container. */
static void test_entry_unknown(void **state)
{
	(void)state;
	assert_null(exec_of(40, 20, "/bin/x", "x")->entry); /* its FORK is not there */
	assert_null(made_by(41, 40)->entry);
	BEGIN(FORK, fork, 42, 7, "x");
	raw.fork.maker_tgid = 20; /* of the first one's number */
	raw.fork.maker_start_ns = 19 * S;
	assert_null(enrich(true)->entry);
	made_by(43, 20);
	BEGIN(EXIT, exit, 43, 7, "x");
	assert_null(enrich(false)->entry); /* outside of the container */
	BEGIN(EXIT, exit, 43, 7, "x");
	assert_null(enrich(true)->entry); /* and back, by a way that was not seen */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_exec_without_record),
		T(test_exec_without_record_and_late),
		T(test_exec_without_record_ends_setup),
		T(test_identity_and_image),
		T(test_parent),
		T(test_ancestry),
		T(test_ancestry_in_a_circle),
		T(test_runtime_setup),
		T(test_snapshot),
		T(test_makers_do_not_stay),
		T(test_other_process),
		T(test_sender_from_outside),
		T(test_close_is_late),
		T(test_full_table),
		T(test_entry_by_entrypoint),
		T(test_entry_by_session),
		T(test_entry_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
