/* SPDX-License-Identifier: Apache-2.0 */
/* exec: from where: paths as the process sees them, whole. */
#include "tests/live/stopped.h"
#include <fcntl.h>
#include <sys/mount.h>

static void into_chroot(struct stopped *s)
{
	(void)s;
	MUST(chroot("root"));
	MUST(chdir("/sub"));
}

/* Paths are as seen inside. */
LIVE(exec_chroot, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = into_chroot};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/root", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/root/sub", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%.200s/root/sub/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_STR(ev->file->path, "/sub/program");
	EXPECT_STR(ev->cwd->path, "/sub");
	EXPECT_STR(want.exe, path); /* /proc shows its reader's side */
	EXPECT(!ev->file->has_path_unreachable);
}

static void chroot_but_stay(struct stopped *s)
{
	(void)s;
	MUST(chroot("root")); /* and the working directory is outside of it */
}

LIVE(exec_outside_of_root, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = chroot_but_stay};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/root", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_FIELD(ev->cwd, path_unreachable, 1);
	EXPECT_STR(ev->cwd->path, t->dir);
	EXPECT_FIELD(ev->file, path_unreachable, 1);
	EXPECT_STR(ev->file->path, path);
}

static void bind_mount(struct stopped *s)
{
	(void)s;
	stopped_private_mounts();
	MUST(mount("origin", "here", NULL, MS_BIND, NULL));
	MUST(chdir("here/sub"));
}

/* Through the mount that was used, not where the file system has it. */
LIVE(exec_bind_mount, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = bind_mount};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/here", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/origin", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/origin/sub", t->dir);
	MUST(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%.200s/origin/sub/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	snprintf(path, sizeof(path), "%.200s/here/sub", t->dir);
	EXPECT_STR(ev->cwd->path, path);
	EXPECT_STR(ev->cwd->path, want.cwd);
	EXPECT_STR(ev->file->path, want.exe);
}

static void delete_cwd(struct stopped *s)
{
	s->fd = MUST(open("program", O_PATH | O_CLOEXEC));
	MUST(mkdir("gone", 0755));
	MUST(chdir("gone"));
	MUST(rmdir("../gone"));
}

LIVE(exec_deleted_cwd, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = delete_cwd, .by_fd = true};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_FIELD(ev->cwd, unlinked, 1);
	snprintf(path, sizeof(path), "%s/gone", t->dir);
	EXPECT_STR(ev->cwd->path, path);
	EXPECT(strstr(want.cwd, " (deleted)"));
	EXPECT(!ev->file->has_unlinked);
}

/* --- a path of 4,095 bytes in 1,000 components and more */

static void deep(struct stopped *s)
{
	char *path = s->deep;
	size_t len = strlen(path);

	while (len + 4 + 2 <= 4095) {
		MUST(mkdir("abc", 0755));
		MUST(chdir("abc"));
		len += sprintf(path + len, "/abc");
	}
	sprintf(path + len, "/%.*s", (int)(4095 - len - 1), "program");
	s->name = strrchr(path, '/') + 1;
	account_write_program(s->name);
}

LIVE(exec_deep_path, LIVE_FIRST)
{
	struct stopped *s = (void *)t->shared->text[7];
	struct account_process want;
	Varve__V1__Exec *ev;

	*s = (struct stopped){.before = deep, .deep = t->shared->text[0]};
	strcpy(s->deep, t->dir);
	ev = live_one(t, "EXEC", stopped_run(t, s, &want))->exec;
	EXPECT_UINT(strlen(s->deep), 4095);
	EXPECT_STR(ev->file->path, s->deep);
	*strrchr(s->deep, '/') = '\0';
	EXPECT_STR(ev->cwd->path, s->deep);
	EXPECT(!ev->file->has_path_length && !ev->cwd->has_path_length);
}
