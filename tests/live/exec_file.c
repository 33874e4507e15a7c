/* SPDX-License-Identifier: Apache-2.0 */
/* exec: what file: unlinked, in memory only, on an overlay, a script. */
#include "tests/live/stopped.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>

static void unlink_it(struct stopped *s)
{
	s->fd = MUST(open("program", O_PATH | O_CLOEXEC));
	MUST(unlink("program"));
}

LIVE(exec_unlinked, LIVE_FIRST)
{
	struct stopped s = {.name = "program", .before = unlink_it, .by_fd = true};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/program", t->dir);
	account_write_program(path);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_FIELD(ev->file, unlinked, 1);
	EXPECT(!ev->file->has_memfd);
	EXPECT_STR(ev->file->path, path);
	EXPECT(strstr(want.exe, " (deleted)"));
}

static void make_memfd(struct stopped *s)
{
	s->fd = MUST(memfd_create("no file", MFD_CLOEXEC));
	account_write_program_fd(s->fd);
}

LIVE(exec_memfd, LIVE_FIRST)
{
	struct stopped s = {.before = make_memfd, .by_fd = true};
	struct account_process want;
	Varve__V1__Exec *ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;

	EXPECT_FIELD(ev->file, memfd, 1);
	EXPECT(!ev->file->has_path_unreachable);
	EXPECT_STR(ev->file->path, "memfd:no file");
	EXPECT_STR(want.exe, "/memfd:no file (deleted)");
}

/* Lower holds "low", upper is written to from here on. */
static void mount_overlay(struct stopped *s)
{
	(void)s;
	stopped_private_mounts();
	MUST(mount("none", "stage", "tmpfs", 0,
		   NULL)); /* an upper layer wants xattrs of its file system */
	MUST(chdir("stage"));
	MUST(mkdir("lower", 0755) | mkdir("upper", 0755) | mkdir("work", 0755) |
	     mkdir("merged", 0755));
	account_write_program("lower/program");
	if (mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"))
		live_skip("no overlayfs here: %s", strerror(errno));
	MUST(chdir("merged"));
}

static void write_upper(struct stopped *s)
{
	mount_overlay(s);
	account_write_program("program2");
	MUST(rename("program2", "program"));
}

static void touch_lower(struct stopped *s)
{
	mount_overlay(s);
	MUST(chmod("program", 0700)); /* copies it up */
}

static void expect_overlay(struct live *t, void (*before)(struct stopped *), bool upper)
{
	struct stopped s = {.name = "program", .before = before};
	struct account_process want;
	Varve__V1__Exec *ev;
	char path[300];

	snprintf(path, sizeof(path), "%s/stage", t->dir);
	MUST(mkdir(path, 0755));
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_UINT(ev->file->has_overlay_upper, upper);
	snprintf(path, sizeof(path), "%.200s/stage/merged/program", t->dir);
	EXPECT_STR(ev->file->path, path);
	EXPECT(ev->namespaces->mnt == want.mnt);
}

LIVE(exec_overlay_lower, LIVE_FIRST)
{
	expect_overlay(t, mount_overlay, false);
}

LIVE(exec_overlay_upper, LIVE_FIRST)
{
	expect_overlay(t, write_upper, true);
}

LIVE(exec_overlay_copied_up, LIVE_FIRST)
{
	expect_overlay(t, touch_lower, true);
}

LIVE(exec_script, LIVE_FIRST)
{
	struct stopped s = {.name = "script", .argv = (char *[]){"zero", "one", NULL}};
	char path[300], interpreter[300], text[400];
	struct account_process want;
	Varve__V1__Exec *ev;
	int fd;

	snprintf(interpreter, sizeof(interpreter), "%s/program", t->dir);
	account_write_program(interpreter);
	snprintf(path, sizeof(path), "%s/script", t->dir);
	fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	snprintf(text, sizeof(text), "#!%s -x y\n", interpreter);
	EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_STR(ev->filename, "./script");
	EXPECT_STR(ev->interpreter, interpreter);
	EXPECT_STR(ev->file->path, interpreter);
	EXPECT_FIELD(ev, args_count, 4);
	EXPECT_UINT(ev->n_args, 4);
	EXPECT_STR(ev->args[0], interpreter);
	EXPECT_STR(ev->args[1], "-x y");
	EXPECT_STR(ev->args[2], "./script");
	EXPECT_STR(ev->args[3], "one");
}
