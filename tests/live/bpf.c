/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

/* r0 = 0; exit */
static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

static long do_bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static long load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t cnt, const char *name)
{
	union bpf_attr attr = {.prog_type = type,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = cnt,
			       .license = (uintptr_t) "GPL"};

	snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	return do_bpf(BPF_PROG_LOAD, &attr);
}

static struct bpf_prog_info info_of(int fd)
{
	struct bpf_prog_info info = {};
	union bpf_attr attr = {
		.info = {.bpf_fd = fd, .info_len = sizeof(info), .info = (uintptr_t)&info}};

	MUST(do_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
	return info;
}

struct seen {
	struct bpf_prog_info info;
	int fd, again, cgroup, link;
};

static struct seen *seen_of(struct live *t)
{
	return (struct seen *)t->shared->text[0];
}

static const Varve__V1__Bpf *nth(struct live *t, pid_t pid, size_t n, const char *command)
{
	const Varve__V1__Bpf *ev = live_nth(t, "BPF", pid, n)->bpf;

	EXPECT_STR(ev->command, command);
	return ev;
}

/* The program as bpf(2) itself tells it. */
static void expect_prog(const Varve__V1__Bpf *ev, const struct bpf_prog_info *info)
{
	char tag[17];
	size_t i;

	for (i = 0; i < 8; i++)
		sprintf(tag + 2 * i, "%02x", info->tag[i]);
	EXPECT_FIELD(ev, program_id, info->id);
	EXPECT_FIELD(ev, program_type, info->type);
	EXPECT_STR(ev->program_name, info->name);
	EXPECT_STR(ev->program_tag, tag);
	EXPECT(!ev->has_program_user_memory && !ev->has_call_errno);
}

static void load_and_take(struct live *t, void *arg)
{
	struct seen *seen = seen_of(t);
	union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY,
			      .key_size = 4,
			      .value_size = 4,
			      .max_entries = 1};
	union bpf_attr by_id = {};

	(void)arg;
	MUST(do_bpf(BPF_MAP_CREATE, &map)); /* no record */
	seen->fd = MUST(load(BPF_PROG_TYPE_SOCKET_FILTER, nothing, 2, "varve_sample"));
	seen->info = info_of(seen->fd);
	by_id.prog_id = seen->info.id;
	seen->again = MUST(do_bpf(BPF_PROG_GET_FD_BY_ID, &by_id));
}

LIVE(bpf_load, LIVE_FIRST)
{
	pid_t pid = live_do(t, load_and_take, NULL);
	const Varve__V1__Bpf *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "BPF", 0), 2);
	ev = nth(t, pid, 0, "BPF_PROG_LOAD");
	expect_prog(ev, &seen_of(t)->info);
	EXPECT_FIELD(ev, command_number, BPF_PROG_LOAD);
	EXPECT_STR(ev->program_type_name, "socket_filter");
	EXPECT_FIELD(ev, instruction_count, 2);
	EXPECT_FIELD(ev, fd, seen_of(t)->fd);
	ev = nth(t, pid, 1, "BPF_PROG_GET_FD_BY_ID");
	expect_prog(ev, &seen_of(t)->info);
	EXPECT_FIELD(ev, object_id, seen_of(t)->info.id);
	EXPECT_FIELD(ev, fd, seen_of(t)->again);
	EXPECT_STR(live_nth(t, "BPF", pid, 0)->kernel_number->event_class, "kernel");
}

static void fails(struct live *t, void *arg)
{
	union bpf_attr by_id = {.map_id = 0x7fffffff};

	(void)t;
	(void)arg;
	EXPECT(load(BPF_PROG_TYPE_KPROBE, nothing, 1, "varve_broken") < 0 && errno == EINVAL);
	EXPECT(syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 72) < 0 && errno == EFAULT);
	EXPECT(do_bpf(BPF_MAP_GET_FD_BY_ID, &by_id) < 0 && errno == ENOENT);
	MUST(setgid(65534));
	MUST(setuid(65534));
	EXPECT(load(BPF_PROG_TYPE_KPROBE, nothing, 2, "varve_refused") < 0 && errno == EPERM);
}

/* What was asked for, from the process's memory. */
LIVE(bpf_failure, LIVE_FIRST)
{
	pid_t pid = live_do(t, fails, NULL);
	const Varve__V1__Bpf *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "BPF", 0), 4);
	ev = nth(t, pid, 0, "BPF_PROG_LOAD");
	EXPECT_FIELD(ev, call_errno, EINVAL);
	EXPECT_FIELD(ev, program_type, BPF_PROG_TYPE_KPROBE);
	EXPECT_STR(ev->program_name, "varve_broken");
	EXPECT_FIELD(ev, instruction_count, 1);
	EXPECT_FIELD(ev, program_user_memory, 1);
	EXPECT(!ev->has_program_id && !ev->program_tag && !ev->has_fd);
	ev = nth(t, pid, 1, "BPF_PROG_LOAD");
	EXPECT_FIELD(ev, call_errno, EFAULT);
	EXPECT(!ev->has_program_type);
	ev = nth(t, pid, 2, "BPF_MAP_GET_FD_BY_ID");
	EXPECT_FIELD(ev, call_errno, ENOENT);
	EXPECT_FIELD(ev, object_id, 0x7fffffff);
	ev = nth(t, pid, 3, "BPF_PROG_LOAD");
	EXPECT_FIELD(ev, call_errno, EPERM);
	EXPECT_STR(ev->program_name, "varve_refused");
}

/* To the container's own cgroup, where it lets nothing out; nothing is sent. */
static void attach(struct live *t, void *arg)
{
	struct seen *seen = seen_of(t);
	union bpf_attr attr = {};

	(void)arg;
	seen->cgroup = MUST(open(t->cgroup, O_RDONLY | O_CLOEXEC));
	seen->fd = MUST(load(BPF_PROG_TYPE_CGROUP_SKB, nothing, 2, "varve_skb"));
	seen->info = info_of(seen->fd);
	attr.target_fd = seen->cgroup;
	attr.attach_bpf_fd = seen->fd;
	attr.attach_type = BPF_CGROUP_INET_EGRESS;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	MUST(do_bpf(BPF_PROG_ATTACH, &attr));
	attr.attach_flags = 0;
	MUST(do_bpf(BPF_PROG_DETACH, &attr));
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = seen->fd;
	attr.link_create.target_fd = seen->cgroup;
	attr.link_create.attach_type = BPF_CGROUP_INET_EGRESS;
	seen->link = MUST(do_bpf(BPF_LINK_CREATE, &attr));
	close(seen->link);
}

LIVE(bpf_attach, LIVE_FIRST)
{
	static const char *const commands[] = {"BPF_PROG_ATTACH", "BPF_PROG_DETACH",
					       "BPF_LINK_CREATE"};
	const Varve__V1__Bpf *ev;
	pid_t pid;
	size_t i;

	live_needs_v2("programs on a container's cgroup");
	live_begin(t);
	pid = live_do(t, attach, NULL);
	live_end(t);
	EXPECT_UINT(live_count(t, "BPF", 0), 4);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		ev = nth(t, pid, 1 + i, commands[i]);
		expect_prog(ev, &seen_of(t)->info);
		EXPECT_FIELD(ev, attach_type, BPF_CGROUP_INET_EGRESS);
		EXPECT_FIELD(ev, target, seen_of(t)->cgroup);
	}
	EXPECT_FIELD(nth(t, pid, 3, "BPF_LINK_CREATE"), fd, seen_of(t)->link);
}

static void on_tracepoint(struct live *t, void *arg)
{
	struct seen *seen = seen_of(t);
	union bpf_attr attr = {.raw_tracepoint = {.name = (uintptr_t) "sched_process_exit"}};

	(void)arg;
	seen->fd = MUST(load(BPF_PROG_TYPE_RAW_TRACEPOINT, nothing, 2, "varve_exit"));
	seen->info = info_of(seen->fd);
	attr.raw_tracepoint.prog_fd = seen->fd;
	seen->link = MUST(do_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr));
	attr.raw_tracepoint.name = (uintptr_t) "varve_no_such";
	EXPECT(do_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr) < 0 && errno == ENOENT);
}

LIVE(bpf_tracepoint, LIVE_FIRST)
{
	pid_t pid = live_do(t, on_tracepoint, NULL);
	const Varve__V1__Bpf *ev;

	live_end(t);
	ev = nth(t, pid, 1, "BPF_RAW_TRACEPOINT_OPEN");
	expect_prog(ev, &seen_of(t)->info);
	EXPECT_STR(ev->attach_point, "sched_process_exit");
	EXPECT_FIELD(ev, attach_point_user_memory, 1);
	EXPECT_FIELD(ev, fd, seen_of(t)->link);
	ev = nth(t, pid, 2, "BPF_RAW_TRACEPOINT_OPEN");
	EXPECT_FIELD(ev, call_errno, ENOENT);
	EXPECT_STR(ev->attach_point, "varve_no_such");
	EXPECT_FIELD(ev, program_id, seen_of(t)->info.id);
}
