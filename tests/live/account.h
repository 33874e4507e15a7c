/* SPDX-License-Identifier: Apache-2.0 */
/* Independent accounts: what stat(2) and /proc say of the same file and process. */
#ifndef VARVE_LIVE_ACCOUNT_H
#define VARVE_LIVE_ACCOUNT_H

#include "tests/live/harness.h"
#include <sys/stat.h>

/* Device number as the kernel's own dev_t. */
uint32_t account_device(dev_t dev);
/* Inode, device, mode, owner and size of a record's file are those of stat(2). */
void account_expect_file(const Varve__V1__File *file, const struct stat *st);

/* What /proc says of a process that stands still. */
struct account_process {
	char exe[8192], cwd[8192], comm[64];
	uint32_t uid, gid, euid, egid, parent, ns_pid;
	uint64_t cap_effective, start_ticks;
	int tty;
	uint32_t mnt, pid, net, user, uts, ipc, cgroup;
	char cmdline[65536];
	size_t cmdline_len;
};
void account_read_process(pid_t pid, struct account_process *ret);
/* Identity, credentials, parent. */
void account_expect_process(const Varve__V1__Process *p, pid_t pid,
			    const struct account_process *want);
void account_expect_namespaces(const Varve__V1__Namespaces *ns, const struct account_process *want);

/*
 * Writes a static program of 200 bytes: it reads from its standard input until that ends, and ends
 * with 42. Meanwhile /proc can be asked about it.
 */
void account_write_program(const char *path);
void account_write_program_fd(int fd);
#define ACCOUNT_PROGRAM_CODE 42

#endif
