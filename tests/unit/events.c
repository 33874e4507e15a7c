/* SPDX-License-Identifier: Apache-2.0 */
/* From checked records to bodies: names nobody expects, arguments of all shapes, addresses, files,
 * outcomes. */
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/events/fill.h"
#include "tests/unit/raw.h"
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <cmocka.h>

#define REPLACED "\xef\xbf\xbd"

static struct raw raw;
static struct arena arena;
static Varve__V1__Event ev;

static int group_setup(void **state)
{
	(void)state;
	return arena_init(&arena, 2 << 20); /* as sensor/emit.c has it */
}

static int group_teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static int fill(void)
{
	struct record rec;
	int err = record_check(&raw, raw_end(&raw), &rec);

	arena_reset(&arena);
	return err ? err : record_to_event(&rec, &arena, &ev);
}

static Varve__V1__Exec *exec_with_args(const char *args, size_t len)
{
	RAW_BEGIN(&raw, EXEC, exec);
	raw_put(&raw, &raw.exec.args, args, len);
	raw.exec.args_len = len;
	assert_int_equal(fill(), 0);
	assert_int_equal(ev.body_case, VARVE__V1__EVENT__BODY_EXEC);
	return ev.exec;
}

static void test_args(void **state)
{
	Varve__V1__Exec *e = exec_with_args("sh\0-c\0ls -l", 12);

	(void)state;
	assert_int_equal(e->n_args, 3);
	assert_string_equal(e->args[0], "sh");
	assert_string_equal(e->args[1], "-c");
	assert_string_equal(e->args[2], "ls -l");
	assert_string_equal(e->cmd_line, "sh -c ls -l");
	assert_false(e->has_args_raw || e->has_args_truncated);
	assert_null(e->tty);
	assert_null(e->file);
	assert_null(e->namespaces);
}

static void test_empty_arguments(void **state)
{
	Varve__V1__Exec *e = exec_with_args("", 1); /* execve(f, {"", NULL}) */

	(void)state;
	assert_int_equal(e->n_args, 1);
	assert_string_equal(e->args[0], "");
	assert_string_equal(e->cmd_line, "");
	e = exec_with_args("\0x\0", 4);
	assert_int_equal(e->n_args, 3);
	assert_string_equal(e->args[0], "");
	assert_string_equal(e->args[1], "x");
	assert_string_equal(e->args[2], "");
	e = exec_with_args("", 0); /* argc 0 */
	assert_int_equal(e->n_args, 0);
	assert_string_equal(e->cmd_line, "");
	assert_int_equal(e->args_length, 0);
	RAW_BEGIN(&raw, EXEC, exec); /* could not be read */
	raw.exec.args_len = 9;
	raw.exec.args_cnt = 2;
	raw.exec.args_err = EFAULT;
	assert_int_equal(fill(), 0);
	assert_int_equal(ev.exec->n_args, 0);
	assert_null(ev.exec->cmd_line);
	assert_int_equal(ev.exec->args_length, 9);
	assert_int_equal(ev.exec->args_count, 2);
	assert_true(ev.exec->args_truncated);
}

static void test_args_that_are_not_text(void **state)
{
	Varve__V1__Exec *e = exec_with_args("a\0b\xff\n\x1b[2J", 10);

	(void)state;
	assert_int_equal(e->n_args, 2);
	assert_string_equal(e->args[1], "b" REPLACED "\n\x1b[2J");
	assert_true(e->has_args_raw);
	assert_int_equal(e->args_raw.len, 10);
	assert_memory_equal(e->args_raw.data, "a\0b\xff\n\x1b[2J", 10);
	assert_string_equal(e->cmd_line, "a b" REPLACED "\n\x1b[2J");
}

static void test_args_cut(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, EXEC, exec);
	raw_put(&raw, &raw.exec.args, "sh\0hea", 6);
	raw_put(&raw, &raw.exec.args_tail, "il\0\xfe", 5);
	raw.exec.args_len = 1 << 20;
	raw.exec.args_cnt = 7;
	assert_int_equal(fill(), 0);
	assert_true(ev.exec->args_truncated);
	assert_int_equal(ev.exec->args_length, 1 << 20);
	assert_int_equal(ev.exec->n_args, 2);
	assert_string_equal(ev.exec->args[1], "hea");
	assert_int_equal(ev.exec->n_args_tail, 2);
	assert_string_equal(ev.exec->args_tail[0], "il");
	assert_false(ev.exec->has_args_raw);
	assert_int_equal(ev.exec->args_tail_raw.len, 5);
	assert_string_equal(ev.exec->cmd_line, "sh hea ... il " REPLACED);
}

static void expect_fits(void)
{
	assert_int_equal(fill(), 0);
	assert_true(varve__v1__event__get_packed_size(&ev) < LOG_FRAME_MAX);
}

/* The worst that 32 KiB of arguments can be fits into the arena and into a frame. */
static void test_args_as_many_as_can_be(void **state)
{
	static const char *const units[] = {"\xff", "\xff\0", "a\0", "\0"};
	static const size_t unit_len[] = {1, 2, 2, 1};
	static char args[EV_ARGS_MAX];

	(void)state;
	for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
		for (size_t i = 0; i < sizeof(args); i++)
			args[i] = units[u][i % unit_len[u]];
		RAW_BEGIN(&raw, EXEC, exec);
		raw_put(&raw, &raw.exec.args, args, EV_ARGS_MAX / 2);
		raw_put(&raw, &raw.exec.args_tail, args, EV_ARGS_MAX / 2);
		raw.exec.args_len = UINT64_MAX;
		for (size_t k = 0; k < EV_PATH_MAX; k++)
			args[k] = '\xff';
		raw_put(&raw, &raw.exec.filename, args, EV_PATH_MAX);
		raw_put(&raw, &raw.exec.interp, args, EV_PATH_MAX);
		raw_put(&raw, &raw.exec.exe.path, args, EV_PATH_MAX);
		raw_put(&raw, &raw.exec.cwd.path, args, EV_PATH_MAX);
		raw.exec.exe.flags = raw.exec.cwd.flags = EV_FILE_HAS_PATH;
		expect_fits();
		assert_true(ev.exec->args_length <= INT64_MAX);
		assert_int_equal(ev.exec->file->path_raw.len, EV_PATH_MAX);
		assert_int_equal(ev.exec->n_args, u == 0 ? 1 : EV_ARGS_MAX / 2 / unit_len[u]);
	}
	RAW_BEGIN(&raw, EXEC, exec);
	memset(args, 0, sizeof(args));
	raw_put(&raw, &raw.exec.args, args, EV_ARGS_MAX);
	raw.exec.args_len = EV_ARGS_MAX;
	expect_fits();
	assert_int_equal(ev.exec->n_args, EV_ARGS_MAX);
	assert_false(ev.exec->has_args_truncated);
}

static void test_exec_names(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, EXEC, exec);
	raw_text(&raw, &raw.exec.filename, "./x\xc3");
	raw_text(&raw, &raw.exec.interp, "/bin/sh");
	raw.exec.ns = (struct ev_namespaces){1, 2, 3, 4, 5, 6, 7, 1};
	memset(raw.exec.tty, 't', EV_TTY_LEN); /* without NUL */
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.exec->filename, "./x" REPLACED);
	assert_int_equal(ev.exec->filename_raw.len, 4);
	assert_string_equal(ev.exec->interpreter, "/bin/sh");
	assert_false(ev.exec->has_interpreter_raw);
	assert_int_equal(ev.exec->namespaces->mnt, 1);
	assert_int_equal(ev.exec->namespaces->cgroup, 7);
	assert_int_equal(strlen(ev.exec->tty), EV_TTY_LEN);
	strcpy(raw.exec.tty, "tty1");
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.exec->tty, "tty1");
	strcpy(raw.exec.tty, "pts12"); /* the kernel's name of it */
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.exec->tty, "pts/12");
}

static Varve__V1__File *file_with(uint32_t flags, const char *path)
{
	RAW_BEGIN(&raw, UNLINK, unlink);
	raw.unlink.file = (struct ev_file){
		.ino = 3, .dev = 4, .mode = 5, .uid = 6, .gid = 7, .size = 8, .path_len = 5000};
	if (path)
		raw_text(&raw, &raw.unlink.file.path, path);
	raw.unlink.file.flags = flags;
	assert_int_equal(fill(), 0);
	return ev.unlink->file;
}

static void test_file(void **state)
{
	Varve__V1__File *f;

	(void)state;
	assert_null(file_with(0, "/x"));
	f = file_with(EV_FILE_HAS_PATH, "/a\nb");
	assert_string_equal(f->path, "/a\nb");
	assert_false(f->has_inode || f->has_mode || f->has_size || f->has_path_length ||
		     f->has_path_user_memory || f->has_path_unreachable || f->has_overlay_upper ||
		     f->has_unlinked || f->has_memfd);
	f = file_with(EV_FILE_HAS_INODE, "/x");
	assert_null(f->path);
	assert_true(f->has_inode && f->has_device && f->has_mode && f->has_uid && f->has_gid &&
		    f->has_size);
	assert_int_equal(f->inode, 3);
	assert_int_equal(f->size, 8);
	f = file_with(EV_FILE_HAS_PATH | EV_FILE_CUT | EV_FILE_USER_MEMORY | EV_FILE_UNREACHABLE,
		      "c/d");
	assert_int_equal(f->path_length, 5000);
	assert_true(f->path_user_memory && f->path_unreachable);
	f = file_with(EV_FILE_HAS_INODE | EV_FILE_UPPER | EV_FILE_UNLINKED, NULL);
	assert_true(f->overlay_upper && f->unlinked && !f->has_memfd);
	f = file_with(EV_FILE_HAS_PATH | EV_FILE_HAS_INODE | EV_FILE_MEMFD | EV_FILE_UNREACHABLE,
		      "memfd:x");
	assert_true(f->memfd && !f->has_path_unreachable);
	raw.unlink.file.size = UINT64_MAX;
	assert_int_equal(fill(), 0);
	assert_true(ev.unlink->file->size <= INT64_MAX);
}

static void expect_endpoint(uint16_t family, const char *ip, size_t len, const char *expected)
{
	RAW_BEGIN(&raw, ACCEPT, accept);
	raw.accept.source = (struct ev_addr){.family = family, .port = 443};
	memcpy(raw.accept.source.ip, ip, len);
	assert_int_equal(fill(), expected ? 0 : -EBADMSG);
	if (!expected)
		return;
	assert_string_equal(ev.accept->source->ip, expected);
	assert_int_equal(ev.accept->source->port, 443);
	assert_null(ev.accept->destination);
}

static void test_addresses(void **state)
{
	(void)state;
	expect_endpoint(AF_INET, "\xc0\0\2\1", 4, "192.0.2.1");
	expect_endpoint(AF_INET, "", 0, "0.0.0.0");
	expect_endpoint(AF_INET6, "\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, "2001:db8::1");
	expect_endpoint(AF_INET6, "", 0, "::");
	expect_endpoint(AF_INET6, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16, "192.0.2.1");
	expect_endpoint(AF_INET6, "\0\0\0\0\0\0\0\0\0\0\xff\xfe\xc0\0\2\1", 16, "::fffe:c000:201");
	expect_endpoint(AF_UNIX, "", 0, NULL);
	expect_endpoint(UINT16_MAX, "", 0, NULL);
}

static void test_connect(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, CONNECT, connect);
	raw.connect.protocol = 6;
	raw.connect.err = raw.connect.outcome_err = 111;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.connect->protocol, "tcp");
	assert_string_equal(ev.connect->outcome, "failed");
	assert_int_equal(ev.connect->call_errno, 111);
	assert_int_equal(ev.connect->outcome_errno, 111);
	assert_false(ev.connect->has_completion || ev.connect->has_socket_cookie ||
		     ev.connect->has_destination_user_memory);
	raw.connect.outcome = EV_OUTCOME_CONNECTED;
	raw.connect.flags = EV_CONNECT_COMPLETION | EV_CONNECT_USER_MEMORY | EV_CONNECT_HAS_COOKIE;
	raw.connect.cookie = UINT64_MAX;
	raw.connect.protocol = 17;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.connect->protocol, "udp");
	assert_string_equal(ev.connect->outcome, "connected");
	assert_false(ev.connect->has_outcome_errno);
	assert_true(ev.connect->completion && ev.connect->destination_user_memory);
	assert_true(ev.connect->socket_cookie <= INT64_MAX);
	raw.connect.outcome = EV_OUTCOME_IN_PROGRESS;
	raw.connect.protocol = UINT32_MAX;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.connect->outcome, "in_progress");
	assert_string_equal(ev.connect->protocol, "4294967295");
	raw.connect.outcome = EV_OUTCOME_IN_PROGRESS + 1;
	assert_int_equal(fill(), -EBADMSG);
	raw.connect.outcome = UINT32_MAX;
	assert_int_equal(fill(), -EBADMSG);
}

static Varve__V1__Exit *exit_with(uint32_t status)
{
	RAW_BEGIN(&raw, EXIT, exit);
	raw.exit.status = status;
	assert_int_equal(fill(), 0);
	return ev.exit;
}

static void test_exit(void **state)
{
	Varve__V1__Exit *e = exit_with(0);

	(void)state;
	assert_true(e->has_code && e->code == 0 && !e->has_signal && !e->has_core_dumped);
	e = exit_with(255 << 8);
	assert_int_equal(e->code, 255);
	e = exit_with(9);
	assert_true(!e->has_code && e->has_signal && e->signal == 9 && !e->has_core_dumped);
	e = exit_with(11 | 0x80);
	assert_true(e->signal == 11 && e->core_dumped);
}

static void test_open_rename_fork(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, OPEN, open);
	raw.open.o_flags = 1;
	raw.open.fd = 0;
	raw.open.flags = EV_OPEN_HAS_FD;
	assert_int_equal(fill(), 0);
	assert_true(ev.open->has_fd && !ev.open->has_flags && !ev.open->has_created &&
		    !ev.open->has_written);
	raw_path(&raw, &raw.open.file, "/x");
	raw.open.flags = EV_OPEN_CREATED | EV_OPEN_WRITTEN | EV_OPEN_HAS_FLAGS;
	assert_int_equal(fill(), 0);
	assert_true(ev.open->flags == 1 && ev.open->created && ev.open->written);
	RAW_BEGIN(&raw, RENAME, rename);
	raw_path(&raw, &raw.rename.from, "/a");
	raw_path(&raw, &raw.rename.to, "/b");
	raw.rename.flags = 2;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.rename->old_file->path, "/a");
	assert_string_equal(ev.rename->new_file->path, "/b");
	assert_int_equal(ev.rename->flags, 2);
	RAW_BEGIN(&raw, FORK, fork);
	raw.fork.parent_tid = 12;
	assert_int_equal(fill(), 0);
	assert_int_equal(ev.fork->parent_tid, 12);
}

static void test_containers(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, CONTAINER_START, container_start);
	raw_text(&raw, &raw.container_start.cgroup_path, "/kubepods/\xff");
	raw.container_start.container = raw.hdr.cgroup_id;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.container_start->cgroup_path, "/kubepods/" REPLACED);
	assert_int_equal(ev.container_start->cgroup_path_raw.len, 11);
	assert_false(ev.container_start->has_nested_cgroup);
	raw.container_start.container++;
	assert_int_equal(fill(), 0);
	assert_true(ev.container_start->nested_cgroup);
	RAW_BEGIN(&raw, CONTAINER_STOP, container_stop);
	raw_text(&raw, &raw.container_stop.cgroup_path, "/x");
	assert_int_equal(fill(), 0);
	assert_true(ev.container_stop->nested_cgroup);
	raw.container_stop.container = raw.hdr.cgroup_id;
	assert_int_equal(fill(), 0);
	assert_false(ev.container_stop->has_nested_cgroup);
	assert_string_equal(ev.container_stop->cgroup_path, "/x");
}

static const char *close_in(uint32_t state, uint32_t err)
{
	RAW_BEGIN(&raw, CLOSE, close);
	raw.close.owner_cgroup_id = raw.hdr.cgroup_id;
	raw.close.state = state;
	raw.close.err = err;
	assert_int_equal(fill(), 0);
	assert_int_equal(ev.close->has_error, err != 0);
	return ev.close->how;
}

static void test_close(void **state)
{
	(void)state;
	assert_string_equal(close_in(TCP_LAST_ACK, 0), "orderly");
	assert_string_equal(close_in(TCP_FIN_WAIT2, 0), "orderly");
	assert_string_equal(close_in(TCP_ESTABLISHED, 0), "aborted");
	assert_string_equal(close_in(TCP_ESTABLISHED, ECONNRESET), "reset");
	assert_string_equal(close_in(TCP_CLOSE_WAIT, EPIPE), "reset");
	assert_string_equal(close_in(TCP_FIN_WAIT1, ETIMEDOUT), "timed_out");
	assert_string_equal(close_in(TCP_ESTABLISHED, EHOSTUNREACH), "failed");
	assert_null(close_in(0, 0));
	assert_null(close_in(1000, 0));
	assert_false(ev.close->has_former_cgroup_id);
	raw.hdr.cgroup_id = 0;
	assert_int_equal(fill(), 0);
	assert_int_equal(ev.close->former_cgroup_id, raw.close.owner_cgroup_id);
	raw.close.role = 2;
	assert_int_equal(fill(), -EBADMSG);
}

static void test_signal(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, SIGNAL, signal);
	raw.signal.code = -6;
	raw.signal.result = 4;
	raw.signal.flags = EV_SIGNAL_TO_THREAD;
	assert_int_equal(fill(), 0);
	assert_true(ev.signal->code == -6 && ev.signal->to_thread && !ev.signal->has_from_outside);
	assert_string_equal(ev.signal->result, "lose_info");
	assert_null(ev.signal->target);
	raw.signal.result = 5;
	assert_int_equal(fill(), 0);
	assert_null(ev.signal->result);
}

static void test_exec_session(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, EXEC_SESSION, exec_session);
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.exec_session->how, "moved");
	assert_true(!ev.exec_session->by_cmd_line && !ev.exec_session->namespaces);
	raw_put(&raw, &raw.exec_session.by_args, "runc\0exec\0\xff", 11);
	raw.exec_session.flags = EV_SESSION_CLONED;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.exec_session->how, "cloned");
	assert_string_equal(ev.exec_session->by_cmd_line, "runc exec " REPLACED);
	raw.exec_session.by_args.len = 1 << 20;
	assert_int_equal(fill(), -EBADMSG);
}

static void test_cgroup_move(void **state)
{
	(void)state;
	RAW_BEGIN(&raw, CGROUP_MOVE, cgroup_move);
	raw.cgroup_move.to_cgroup_id = 5;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.cgroup_move->how, "moved");
	assert_true(!ev.cgroup_move->by && !ev.cgroup_move->by_cmd_line);
	assert_true(!ev.cgroup_move->to_cgroup_path && !ev.cgroup_move->has_from_cgroup_id);
	assert_true(!ev.cgroup_move->has_into_container && !ev.cgroup_move->has_not_followed);
	assert_false(ev.cgroup_move->has_to_container_cgroup_id);
	assert_int_equal(ev.cgroup_move->to_cgroup_id, 5);
	raw_put(&raw, &raw.cgroup_move.to_path, "/a\xff", 3);
	raw_put(&raw, &raw.cgroup_move.by_args, "sh\0-c", 6);
	raw.cgroup_move.from_cgroup_id = 6;
	raw.cgroup_move.to_container = 7;
	raw.cgroup_move.flags = EV_MOVE_INTO_CONTAINER | EV_MOVE_CLONED | EV_MOVE_LOST;
	assert_int_equal(fill(), 0);
	assert_string_equal(ev.cgroup_move->how, "cloned");
	assert_string_equal(ev.cgroup_move->by_cmd_line, "sh -c");
	assert_string_equal(ev.cgroup_move->to_cgroup_path, "/a" REPLACED);
	assert_int_equal(ev.cgroup_move->to_cgroup_path_raw.len, 3);
	assert_int_equal(ev.cgroup_move->from_cgroup_id, 6);
	assert_int_equal(ev.cgroup_move->to_container_cgroup_id, 7);
	assert_true(ev.cgroup_move->into_container && ev.cgroup_move->not_followed);
	raw.cgroup_move.by_args.len = 1 << 20;
	assert_int_equal(fill(), -EBADMSG);
	raw.cgroup_move.to_path.len = 1 << 20;
	assert_int_equal(fill(), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_empty_arguments),
		cmocka_unit_test(test_args_that_are_not_text),
		cmocka_unit_test(test_args_cut),
		cmocka_unit_test(test_args_as_many_as_can_be),
		cmocka_unit_test(test_exec_names),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_open_rename_fork),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_exec_session),
		cmocka_unit_test(test_cgroup_move),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
