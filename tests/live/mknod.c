/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const struct {
	mode_t mode;
	unsigned int major, minor;
} nodes[] = {
	{S_IFCHR | 0666, 1, 3},	 {S_IFBLK | 0600, 4095, 0x12345}, {S_IFIFO | 0600, 0, 0},
	{S_IFSOCK | 0640, 0, 0}, {S_IFREG | 0644, 0, 0},
};

static void make(struct live *t, void *arg)
{
	char name[8];
	struct stat st;

	(void)arg;
	umask(0);
	MUST(chdir(t->dir));
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		if (mknod(name, nodes[i].mode, makedev(nodes[i].major, nodes[i].minor))) {
			snprintf(t->shared->text[0], 100, "%s", strerror(errno));
			return;
		}
		MUST(lstat(name, &st));
		EXPECT_UINT(st.st_mode, nodes[i].mode);
		t->shared->value[i] = (uint64_t)major(st.st_rdev) << 20 | minor(st.st_rdev);
	}
	EXPECT(mknodat(AT_FDCWD, "0", S_IFCHR | 0666, makedev(1, 5)) < 0 && errno == EEXIST);
	EXPECT(mknod("x", S_IFDIR | 0755, 0) < 0 && errno == EPERM);
	MUST(mknod("y", 0600, 0));
}

LIVE(mknod_types, LIVE_FIRST)
{
	pid_t pid = live_do(t, make, NULL);
	Varve__V1__Mknod *m;
	char path[300];
	size_t i;

	if (*t->shared->text[0])
		live_skip("device nodes: %s", t->shared->text[0]);
	live_end(t);
	EXPECT_UINT(live_count(t, "MKNOD", 0), ARRAY_SIZE(nodes) + 3);
	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		m = live_nth(t, "MKNOD", pid, i)->mknod;
		snprintf(path, sizeof(path), "%s/%zu", t->dir, i);
		EXPECT_STR(m->file->path, path);
		EXPECT_FIELD(m, mode, nodes[i].mode);
		if (nodes[i].major)
			EXPECT_FIELD(m, device, t->shared->value[i]);
		else
			EXPECT(!m->has_device);
		EXPECT(!m->has_call_errno);
		live_expect_name_since(m->file, 15);
	}
	m = live_nth(t, "MKNOD", pid, i)->mknod;
	EXPECT_FIELD(m, call_errno, EEXIST);
	EXPECT_FIELD(m, device, 1 << 20 | 5);
	m = live_nth(t, "MKNOD", pid, i + 1)->mknod;
	EXPECT_FIELD(m, call_errno, EPERM);
	EXPECT_FIELD(m, mode, S_IFDIR | 0755);
	m = live_nth(t, "MKNOD", pid, i + 2)->mknod;
	EXPECT_FIELD(m, mode, 0600);
	EXPECT(!m->has_call_errno);
}
