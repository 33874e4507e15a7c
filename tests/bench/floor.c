/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor <HOOKS: empty programs at the hooks that are on standard input, a line each, as
 * varve-sensor --probe=json has their "target" (tp_btf/sys_exit, fexit/do_rmdir, cgroup/connect4
 * ...). A hook named twice gets two. What a workload costs with them is what watching there costs
 * before anything is looked at. Says "attached N" and stays until a signal ends it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_on_cgroup(const char *target)
{
	return !strncmp(target, "cgroup", 6);
}

/* `return 1` for programs of cgroups, which else would forbid. 0: a file descriptor. */
static int load(const char *target, enum bpf_attach_type *ret_type)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = is_on_cgroup(target)},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	enum bpf_prog_type prog_type;
	int id;

	if (libbpf_prog_type_by_name(target, &prog_type, ret_type))
		return -EOPNOTSUPP;
	opts.expected_attach_type = *ret_type;
	if (prog_type == BPF_PROG_TYPE_TRACING) {
		id = libbpf_find_vmlinux_btf_id(strchr(target, '/') + 1, *ret_type);
		if (id < 0)
			return id;
		opts.attach_btf_id = id;
	}
	return bpf_prog_load(prog_type, "floor", "GPL", insns, 2, &opts);
}

/* The link lives as long as this program. */
static int attach(const char *target, int cgroup_fd)
{
	enum bpf_attach_type type;
	int fd = load(target, &type);

	if (fd < 0)
		return fd;
	return bpf_link_create(fd, is_on_cgroup(target) ? cgroup_fd : 0, type, NULL);
}

/* So that who waits for this program is not told of a signal. */
static void end(int sig)
{
	(void)sig;
}

int main(int argc, char **argv)
{
	const char *cgroup = argc > 1 ? argv[1] : "/sys/fs/cgroup";
	int cgroup_fd = open(cgroup, O_DIRECTORY | O_RDONLY), err, cnt = 0;
	char target[128];

	signal(SIGTERM, end);
	libbpf_set_print(NULL);
	while (scanf("%127s", target) == 1) {
		err = attach(target, cgroup_fd);
		if (err < 0) {
			fprintf(stderr, "floor: %s: %s\n", target, strerror(-err));
			return EXIT_FAILURE;
		}
		cnt++;
	}
	printf("attached %d\n", cnt);
	fflush(stdout);
	pause();
	return EXIT_SUCCESS;
}
