/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void make(struct live *t, void *arg)
{
	char long_name[300];
	struct stat st;
	int fd;

	(void)arg;
	fd = MUST(memfd_create("a name", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	MUST(fstat(fd, &st));
	t->shared->value[0] = fd;
	t->shared->value[1] = st.st_ino;
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	EXPECT(memfd_create(long_name, 0) < 0 && errno == EINVAL);
	EXPECT(syscall(SYS_memfd_create, "flags", 0x4000) < 0 && errno == EINVAL);
	EXPECT(syscall(SYS_memfd_create, NULL, 0) < 0 && errno == EFAULT);
	fd = MUST(memfd_create("x\xff\n", MFD_CLOEXEC));
}

LIVE(memfd_made_and_refused, LIVE_FIRST)
{
	pid_t pid = live_do(t, make, NULL);
	const Varve__V1__Memfd *m;

	live_end(t);
	EXPECT_UINT(live_count(t, "MEMFD", 0), 5);
	m = live_nth(t, "MEMFD", pid, 0)->memfd;
	EXPECT_STR(m->name, "a name");
	EXPECT_FIELD(m, flags, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	EXPECT_FIELD(m, fd, t->shared->value[0]);
	EXPECT_FIELD(m->file, inode, t->shared->value[1]);
	EXPECT_FIELD(m->file, memfd, 1);
	EXPECT_STR(m->file->path, "memfd:a name");
	EXPECT(!m->has_call_errno);
	m = live_nth(t, "MEMFD", pid, 1)->memfd;
	EXPECT_FIELD(m, call_errno, EINVAL);
	EXPECT_UINT(strlen(m->name), 299);
	EXPECT(!m->has_fd && !m->file);
	m = live_nth(t, "MEMFD", pid, 2)->memfd;
	EXPECT_FIELD(m, flags, 0x4000);
	EXPECT_FIELD(m, call_errno, EINVAL);
	m = live_nth(t, "MEMFD", pid, 3)->memfd;
	EXPECT_FIELD(m, call_errno, EFAULT);
	EXPECT(!m->name);
	m = live_nth(t, "MEMFD", pid, 4)->memfd;
	EXPECT_UINT(m->name_raw.len, 3);
	EXPECT(!memcmp(m->name_raw.data, "x\xff\n", 3));
}
