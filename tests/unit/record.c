/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a raw record: lengths, kinds, references. What the kinds become is events.c's. */
#include "sensor/record.h"
#include "evidence/arena.h"
#include "tests/unit/raw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct raw raw;

static int check(size_t len)
{
	struct record rec;
	/* Of its own length, so that the sanitizer sees a read beyond. */
	_cleanup_free_ void *copy = malloc(len ? len : 1);

	memcpy(copy, &raw, len);
	return record_check(copy, len, &rec);
}

static void test_lengths(void **state)
{
	size_t len;

	(void)state;
	RAW_BEGIN(&raw, OPEN, open);
	raw_path(&raw, &raw.open.file, "/x");
	len = raw_end(&raw);
	assert_int_equal(check(len), 0);
	for (size_t shorter = 0; shorter < len; shorter++)
		assert_int_equal(check(shorter), -EBADMSG);
	assert_int_equal(check(len + 8), -EBADMSG);
	raw.hdr.len = len - 1;
	assert_int_equal(check(len - 1), -EBADMSG);
	raw.hdr.len = UINT32_MAX;
	assert_int_equal(check(len), -EBADMSG);
	raw.hdr.len = sizeof(struct ev_open) - 8; /* not even its fixed part */
	assert_int_equal(check(raw.hdr.len), -EBADMSG);
}

static void test_fixed_part_only(void **state)
{
	(void)state;
#define EV(number, NAME, name, group)                         \
	RAW_BEGIN(&raw, NAME, name);                          \
	assert_int_equal(check(sizeof(struct ev_##name)), 0); \
	raw.hdr.len -= 8;                                     \
	assert_int_equal(check(raw.hdr.len), -EBADMSG);
#include "bpf/events.def"
}

static void test_kinds(void **state)
{
	(void)state;
	memset(&raw, 0, sizeof(raw));
	raw.hdr.len = 1024;
	for (unsigned int kind = 0; kind < 300; kind++) {
		bool ours = false;

		raw.hdr.kind = kind;
#define EV(number, NAME, name, group) ours |= kind == number;
#include "bpf/events.def"
		ours |= kind == EV_PROCESS_SNAPSHOT;
		assert_int_equal(check(1024), ours ? 0 : -EBADMSG);
	}
	raw.hdr.kind = UINT16_MAX;
	assert_int_equal(check(1024), -EBADMSG);
}

static const char *bytes_at(uint32_t off, uint32_t len)
{
	struct ev_ref ref = {off, len};
	struct record rec;

	assert_int_equal(record_check(&raw, raw.hdr.len, &rec), 0);
	return record_bytes(&rec, &ref);
}

static void test_references(void **state)
{
	uint32_t fixed = sizeof(struct ev_open), end;

	(void)state;
	RAW_BEGIN(&raw, OPEN, open);
	raw_text(&raw, &raw.open.file.path, "abc");
	end = raw_end(&raw);
	assert_int_equal(end, fixed + 8);
	memcpy(raw.bytes + end - 4, "xyz", 4);
	assert_string_equal(bytes_at(fixed, 3), "abc");
	assert_string_equal(bytes_at(fixed + 3, 0), "");
	assert_string_equal(bytes_at(end - 1, 0), "");
	assert_string_equal(bytes_at(fixed + 4, 3), "xyz");
	assert_non_null(bytes_at(fixed, 7)); /* a NUL inside is the caller's */
	assert_null(bytes_at(fixed, 2));     /* no NUL behind */
	assert_null(bytes_at(fixed, 8));     /* the NUL would be outside */
	assert_null(bytes_at(end, 0));
	assert_null(bytes_at(end - 1, 1));
	assert_null(bytes_at(end + 8, 0));
	assert_null(bytes_at(0, 0)); /* into the fixed part */
	assert_null(bytes_at(fixed - 1, 0));
	assert_null(bytes_at(UINT32_MAX, 0));
	assert_null(bytes_at(fixed, UINT32_MAX));
	assert_null(bytes_at(UINT32_MAX, UINT32_MAX));
	assert_null(bytes_at(UINT32_MAX - 3, fixed + 4)); /* wraps to the tail */
}

static int to_event(struct arena *arena, Varve__V1__Event *ev)
{
	struct record rec;
	int err = record_check(&raw, raw_end(&raw), &rec);

	arena_reset(arena);
	return err ? err : record_to_event(&rec, arena, ev);
}

/* Every reference of every kind: a bad one refuses the record. */
static void expect_refs_checked(struct arena *arena, struct ev_ref *ref, uint32_t *flags,
				uint32_t flag)
{
	Varve__V1__Event ev;

	if (flags)
		*flags = flag;
	assert_int_equal(to_event(arena, &ev), 0); /* off 0: not filled */
	*ref = (struct ev_ref){raw.hdr.len, 0};
	assert_int_equal(to_event(arena, &ev), -EBADMSG);
	*ref = (struct ev_ref){8, 8};
	assert_int_equal(to_event(arena, &ev), -EBADMSG);
	*ref = (struct ev_ref){raw.hdr.len - 8, UINT32_MAX};
	assert_int_equal(to_event(arena, &ev), -EBADMSG);
	*ref = (struct ev_ref){raw.hdr.len - 8, 0};
	assert_int_equal(to_event(arena, &ev), 0);
}

#define BEGIN(NAME, name) \
	(RAW_BEGIN(&raw, NAME, name), raw.hdr.len += 8, memset(raw.bytes + raw.hdr.len - 8, 0, 8))
#define FILE_CHECKED(file) \
	expect_refs_checked(&arena, &(file).path, &(file).flags, EV_FILE_HAS_PATH)

static void test_bad_references_in_events(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	BEGIN(EXEC, exec);
	FILE_CHECKED(raw.exec.exe);
	FILE_CHECKED(raw.exec.cwd);
	expect_refs_checked(&arena, &raw.exec.filename, NULL, 0);
	expect_refs_checked(&arena, &raw.exec.interp, NULL, 0);
	expect_refs_checked(&arena, &raw.exec.args, NULL, 0);
	expect_refs_checked(&arena, &raw.exec.args_tail, NULL, 0);
	BEGIN(CONTAINER_START, container_start);
	expect_refs_checked(&arena, &raw.container_start.cgroup_path, NULL, 0);
	BEGIN(CONTAINER_STOP, container_stop);
	expect_refs_checked(&arena, &raw.container_stop.cgroup_path, NULL, 0);
	BEGIN(OPEN, open);
	FILE_CHECKED(raw.open.file);
	BEGIN(RENAME, rename);
	FILE_CHECKED(raw.rename.from);
	FILE_CHECKED(raw.rename.to);
	BEGIN(UNLINK, unlink);
	FILE_CHECKED(raw.unlink.file);
	BEGIN(PROCESS_SNAPSHOT, process_snapshot);
	FILE_CHECKED(raw.process_snapshot.exe);
	FILE_CHECKED(raw.process_snapshot.cwd);
	arena_fini(&arena);
}

static void test_envelope(void **state)
{
	struct arena arena;
	Varve__V1__Event ev;

	(void)state;
	arena_init(&arena, 1 << 16);
	RAW_BEGIN(&raw, FORK, fork);
	raw.hdr.number = 5;
	raw.hdr.cpu = 3;
	memset(raw.hdr.task.comm, 'c', EV_COMM_LEN); /* without NUL */
	assert_int_equal(to_event(&arena, &ev), 0);
	assert_string_equal(ev.kind, "FORK");
	assert_int_equal(ev.body_case, VARVE__V1__EVENT__BODY_FORK);
	assert_int_equal(ev.boot_time_nano, 1000 * NSEC_PER_SEC);
	assert_int_equal(ev.kernel_number->number, 5);
	assert_int_equal(ev.kernel_number->cpu, 3);
	assert_int_equal(ev.kernel_number->cgroup_id, 77);
	assert_string_equal(ev.kernel_number->event_class, "process");
	assert_string_equal(ev.process->name, "cccccccccccccccc");
	/* What was not obtained is absent, whatever the bytes say. */
	assert_false(ev.process->has_uid || ev.process->has_cap_effective ||
		     ev.process->has_ns_pid);
	raw.hdr.task.outside_high = 0xa;
	raw.hdr.task.outside_low = 0xb000000cu;
	assert_int_equal(to_event(&arena, &ev), 0);
	assert_false(ev.process->has_outside || ev.process->has_outside_cgroup_id);
	raw.hdr.task.obtained = EV_TASK_OUTSIDE;
	assert_int_equal(to_event(&arena, &ev), 0);
	assert_true(ev.process->outside && ev.process->has_outside_cgroup_id);
	assert_int_equal(ev.process->outside_cgroup_id, 0xab000000cull);
	raw.hdr.task.obtained = EV_TASK_HAS_CRED | EV_TASK_HAS_NS_PID;
	strcpy(raw.hdr.task.comm, "\xff");
	assert_int_equal(to_event(&arena, &ev), 0);
	assert_true(ev.process->has_uid && ev.process->has_gid && ev.process->has_euid &&
		    ev.process->has_egid && ev.process->has_cap_effective &&
		    ev.process->has_ns_pid);
	assert_string_equal(ev.process->name, "\xef\xbf\xbd");
	assert_int_equal(ev.process->name_raw.len, 1);
	RAW_BEGIN(&raw, PROCESS_SNAPSHOT, process_snapshot);
	assert_int_equal(to_event(&arena, &ev), 0);
	assert_null(ev.kernel_number);
	arena_fini(&arena);
}

/* However small the arena, the answer is -ENOMEM and not a half-made event taken for whole. */
static void test_any_arena_size(void **state)
{
	struct arena arena;
	Varve__V1__Event ev;
	int err = -ENOMEM;

	(void)state;
	RAW_BEGIN(&raw, EXEC, exec);
	raw_path(&raw, &raw.exec.exe, "/bin/x");
	raw_path(&raw, &raw.exec.cwd, "/");
	raw_text(&raw, &raw.exec.filename, "x");
	raw_text(&raw, &raw.exec.interp, "y");
	raw_put(&raw, &raw.exec.args, "a\0b", 4);
	raw_put(&raw, &raw.exec.args_tail, "c", 2);
	raw.exec.ns.obtained = 1;
	strcpy(raw.exec.tty, "tty1");
	for (size_t size = 1; err == -ENOMEM; size += 8) {
		assert_true(size < 1 << 14);
		arena_init(&arena, size);
		err = to_event(&arena, &ev);
		arena_fini(&arena);
	}
	assert_int_equal(err, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_fixed_part_only),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_bad_references_in_events),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_any_arena_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
