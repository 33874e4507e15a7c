/* SPDX-License-Identifier: Apache-2.0 */
/* mount(2), in mount namespaces of the test's children. */
#include "tests/live/mounts.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void make_dir(const struct live *t, const char *name, char path[300])
{
	snprintf(path, 300, "%s/%s", t->dir, name);
	MUST(mkdir(path, 0755));
}

/* text[0]: type, text[1]: source, text[2]: options, as mountinfo has them. */
static void note_mount(struct live *t, const char *path)
{
	struct mounts_line line;

	EXPECT(mounts_find(path, &line));
	strcpy(t->shared->text[0], line.type);
	strcpy(t->shared->text[1], line.source);
	strcpy(t->shared->text[2], line.options);
}

static void of_tmpfs(struct live *t, void *arg)
{
	mounts_enter();
	MUST(mount("some-source", arg, "tmpfs", MS_NOSUID, "size=64k,mode=700"));
	note_mount(t, arg);
	MUST(mount(NULL, arg, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

LIVE(mount_of_tmpfs, LIVE_FIRST)
{
	Varve__V1__Mount *m;
	char path[300];
	struct stat st;
	pid_t pid;

	make_dir(t, "m", path);
	MUST(stat(path, &st));
	pid = live_do(t, of_tmpfs, path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MOUNT", 0), 3);
	m = live_nth(t, "MOUNT", pid, 0)->mount;
	EXPECT_STR(m->target->path, "/");
	EXPECT_FIELD(m, flags, MS_REC | MS_PRIVATE);
	m = live_nth(t, "MOUNT", pid, 1)->mount;
	EXPECT_STR(m->call, "mount");
	mounts_expect_place(m->target, path, path);
	if (m->target->has_inode)
		EXPECT_UINT(m->target->inode, st.st_ino); /* what was there before */
	EXPECT_STR(m->type, t->shared->text[0]);
	EXPECT_STR(m->source, t->shared->text[1]);
	EXPECT_STR(m->data, "size=64k,mode=700");
	EXPECT(strstr(t->shared->text[2], "size=64k,mode=700"));
	EXPECT_FIELD(m, flags, MS_NOSUID);
	EXPECT_UINT(m->has_text_user_memory, !live_trampolines());
	EXPECT(!m->has_call_errno && !m->has_fd && !m->source_file && !m->has_attributes_set);
	m = live_nth(t, "MOUNT", pid, 2)->mount;
	EXPECT_FIELD(m, flags, MS_REMOUNT | MS_BIND | MS_RDONLY);
	EXPECT(!m->source && !m->type && !m->data);
}

static void of_directory(struct live *t, void *arg)
{
	(void)arg;
	mounts_enter();
	MUST(chdir(t->dir));
	MUST(symlink("b", "soft"));
	MUST(mount("a\xff\n", "soft", NULL, MS_BIND, NULL));
	MUST(access("b/inside", F_OK));
}

/* The target is where the symbolic link leads to, if the kernel has resolved it; the source is as
 * given. */
LIVE(mount_bind, LIVE_FIRST)
{
	char path[300], given[310];
	Varve__V1__Mount *m;
	pid_t pid;

	make_dir(t, "a\xff\n", path);
	make_dir(t, "a\xff\n/inside", path);
	make_dir(t, "b", path);
	snprintf(given, sizeof(given), "%s/soft", t->dir);
	pid = live_do(t, of_directory, NULL);
	live_end(t);
	m = live_nth(t, "MOUNT", pid, 1)->mount;
	mounts_expect_place(m->target, given, path);
	EXPECT_STR(m->source, "a\xef\xbf\xbd\n");
	EXPECT_UINT(m->source_raw.len, 3);
	EXPECT(!memcmp(m->source_raw.data, "a\xff\n", 3));
	EXPECT(!m->type);
	EXPECT_FIELD(m, flags, MS_BIND);
}

static void failing(struct live *t, void *arg)
{
	char *data = t->shared->text[0];

	(void)t;
	mounts_enter();
	memset(data, 'x', 5000);
	EXPECT(mount("s", "/nowhere/at/all", "tmpfs", 0, "o") < 0 && errno == ENOENT);
	EXPECT(mount("s", arg, "no-such-type", 0, "o") < 0 && errno == ENODEV);
	EXPECT(mount("s", (void *)8, "tmpfs", 0, NULL) < 0 && errno == EFAULT);
	EXPECT(mount("s", arg, (void *)8, 0, NULL) < 0 && errno == EFAULT);
	EXPECT(mount("s", arg, "tmpfs", 0, data) < 0 && errno == EINVAL);
}

/* Whether the kernel came as far as its function or not. */
LIVE(mount_failure, LIVE_FIRST)
{
	static const uint32_t errs[] = {ENOENT, ENODEV, EFAULT, EFAULT, EINVAL};
	Varve__V1__Mount *m[5];
	char path[300];
	pid_t pid;
	size_t i;

	make_dir(t, "m", path);
	pid = live_do(t, failing, path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MOUNT", 0), 6);
	for (i = 0; i < 5; i++) {
		m[i] = live_nth(t, "MOUNT", pid, i + 1)->mount;
		EXPECT_FIELD(m[i], call_errno, errs[i]);
		EXPECT_STR(m[i]->source, "s");
	}
	EXPECT_STR(m[0]->target->path, "/nowhere/at/all");
	EXPECT(m[0]->target->path_user_memory && m[0]->text_user_memory);
	EXPECT_STR(m[0]->data, "o");
	EXPECT_STR(m[1]->target->path, path);
	EXPECT_STR(m[1]->type, "no-such-type");
	EXPECT(!m[2]->target || !m[2]->target->path);
	EXPECT(!m[3]->type && m[3]->text_user_memory);
	EXPECT_STR(m[3]->target->path, path);
	EXPECT_UINT(strlen(m[4]->data), 4095);
}

static void in_chroot(struct live *t, void *arg)
{
	(void)arg;
	mounts_enter();
	MUST(chroot(t->dir));
	MUST(chdir("/m"));
	MUST(mount("s", ".", "tmpfs", 0, NULL));
	MUST(chdir("/m"));
	MUST(mount("s", "/m", "tmpfs", 0, NULL)); /* on top of the other */
}

LIVE(mount_in_chroot, LIVE_FIRST)
{
	char path[300];
	pid_t pid;

	make_dir(t, "m", path);
	pid = live_do(t, in_chroot, NULL);
	live_end(t);
	mounts_expect_place(live_nth(t, "MOUNT", pid, 1)->mount->target, "/m/.", "/m");
	mounts_expect_place(live_nth(t, "MOUNT", pid, 2)->mount->target, "/m", "/m");
}

static void on_long_path(struct live *t, void *arg)
{
	char *path = t->shared->text[0];

	(void)arg;
	mounts_enter();
	MUST(mount(path, path, NULL, MS_BIND, NULL));
	MUST(umount2(path, MNT_DETACH));
}

/* Source and target as long as can be, at once. */
LIVE(mount_on_long_path, LIVE_FIRST)
{
	char *path = t->shared->text[0];
	size_t len = sprintf(path, "%s", t->dir);
	Varve__V1__Mount *m;
	pid_t pid;

	while (len < 4095) {
		size_t n = 4095 - len - 1;

		n = n > 255 ? 200 : n;
		path[len++] = '/';
		memset(path + len, 'n', n);
		path[len += n] = '\0';
		MUST(mkdir(path, 0755));
		if (4095 - len == 1)
			break;
	}
	pid = live_do(t, on_long_path, NULL);
	live_end(t);
	m = live_nth(t, "MOUNT", pid, 1)->mount;
	mounts_expect_place(m->target, path, path);
	EXPECT_STR(m->source, path);
	mounts_expect_place(live_one(t, "UNMOUNT", pid)->unmount->target, path, path);
}

static void in_deleted(struct live *t, void *arg)
{
	(void)t;
	mounts_enter();
	MUST(chdir(arg));
	MUST(rmdir(arg));
	EXPECT(mount("s", ".", "tmpfs", 0, NULL) < 0 && errno == ENOENT);
}

LIVE(mount_on_deleted_directory, LIVE_FIRST)
{
	char path[300], given[310];
	Varve__V1__Mount *m;
	pid_t pid;

	make_dir(t, "m", path);
	snprintf(given, sizeof(given), "%s/.", path);
	pid = live_do(t, in_deleted, path);
	live_end(t);
	m = live_nth(t, "MOUNT", pid, 1)->mount;
	EXPECT_FIELD(m, call_errno, ENOENT);
	mounts_expect_place(m->target, given, path);
	EXPECT_UINT(m->target->has_unlinked, live_trampolines());
}
