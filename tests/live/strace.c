/* SPDX-License-Identifier: Apache-2.0 */
/* strace's account of a program, call by call, against the container's records. */
#include "tests/live/network.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Each once, and once in vain. */
static int mix_names(void)
{
	return mkdir("d", 0700) || mkdir("d", 0700) == 0 || mknod("d/p", S_IFIFO | 0600, 0) ||
	       mknod("d/p", S_IFIFO | 0600, 0) == 0 || link("d/p", "d/q") ||
	       link("d/p", "d/q") == 0 || symlink("p", "d/s") || symlink("p", "d/s") == 0 ||
	       rmdir("d") == 0 || unlink("d/p") || unlink("d/q") || unlink("d/s") || rmdir("d");
}

static int mix_mounts(void)
{
	return mount("x", "missing", "tmpfs", 0, NULL) == 0 ||
	       mount("x", ".", "none", 0, NULL) == 0 || umount("missing") == 0 ||
	       umount2(".", MNT_DETACH) == 0;
}

/* A little of everything, with failures in between. Ends by running another program. */
LIVE_HELPER(mix)
{
	struct end refused = network_loopback(AF_INET);
	int i, fd;

	if (chdir(arg))
		return 1;
	refused.addr.v4.sin_port = htons(1);
	for (i = 0; i < 20; i++) {
		fd = open("a", O_RDWR | O_CREAT, 0600);
		close(fd);
		close(open(".", O_RDONLY | O_DIRECTORY));
		close(open("missing", O_RDONLY));
		if (rename("a", "b") || rename("a", "c") == 0 || unlink("b") || unlink("b") == 0)
			return 2;
		if (mix_names() || mix_mounts())
			return 5;
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, &refused.addr.any, refused.len) == 0)
			return 3;
		close(fd);
	}
	if (fork() == 0) {
		execl("/nowhere/at/all", "x", NULL);
		execl("/bin/busybox", "true", NULL);
		_exit(4);
	}
	wait(NULL);
	return 0;
}

static void traced(struct live *t, void *arg)
{
	char self[4096];

	self[MUST(readlink("/proc/self/exe", self, sizeof(self) - 1))] = '\0';
	execlp("strace", "strace", "-f", "-qq", "-o", arg, "-e",
	       "trace=execve,open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,connect,"
	       "link,linkat,symlink,symlinkat,mkdir,mkdirat,rmdir,mknod,mknodat,mount,umount2",
	       self, "--helper", "mix", t->dir, NULL);
	FAIL("cannot run strace: %s", strerror(errno));
}

struct strace_counts {
	size_t exec, exec_failed, open, rename, unlink, connect;
	size_t made; /* links, directories, nodes; and directories removed */
	size_t mount;
};

static bool calls(const char *line, const char *const *names)
{
	for (; *names; names++) {
		size_t len = strlen(*names);

		if (!strncmp(line, *names, len) && line[len] == '(')
			return true;
	}
	return false;
}

static void count_line(const char *line, struct strace_counts *ret)
{
	static const char *const opens[] = {"open", "openat", "creat", NULL};
	static const char *const renames[] = {"rename", "renameat", "renameat2", NULL};
	static const char *const unlinks[] = {"unlink", "unlinkat", NULL};
	static const char *const makes[] = {"link",    "linkat", "symlink", "symlinkat", "mkdir",
					    "mkdirat", "rmdir",	 "mknod",   "mknodat",	 NULL};
	static const char *const mounts[] = {"mount", "umount2", NULL};
	static const char *const execs[] = {"execve", NULL}, *const connects[] = {"connect", NULL};
	bool ok = !strstr(line, " = -1 ");

	line += strspn(line, "0123456789 ");
	EXPECT(!strstr(line, "unfinished") && !strstr(line, "resumed"));
	ret->exec += ok && calls(line, execs);
	ret->exec_failed += !ok && calls(line, execs);
	ret->open += calls(line, opens); /* those that failed are recorded, too */
	ret->rename += calls(line, renames);
	ret->unlink += calls(line, unlinks);
	ret->connect += calls(line, connects);
	ret->made += calls(line, makes);
	ret->mount += calls(line, mounts);
}

static bool is_there(const char *program)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "command -v %s >/dev/null 2>&1", program);
	return system(cmd) == 0;
}

static bool is_one_of(const char *kind, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(kind, *names))
			return true;
	return false;
}

/* The tracer is in the container, too: its records are left out by its pid. */
LIVE(strace_agrees, LIVE_ALL)
{
	static const char *const made[] = {"LINK", "SYMLINK", "MKDIR", "RMDIR", "MKNOD", NULL};
	static const char *const mounts[] = {"MOUNT", "UNMOUNT", NULL};
	struct strace_counts want = {}, got = {};
	_cleanup_fclose_ FILE *f = NULL;
	char out[300], line[16384];
	size_t i;
	pid_t pid;

	if (!is_there("strace"))
		live_skip("strace is not installed");
	if (access("/bin/busybox", X_OK))
		live_skip("busybox is not installed");
	snprintf(out, sizeof(out), "%s/strace.out", t->dir);
	pid = live_do(t, traced, out);
	live_end(t);
	f = fopen(out, "re");
	EXPECT(f);
	while (fgets(line, sizeof(line), f))
		count_line(line, &want);
	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (!ev->process || ev->process->pid == (uint32_t)pid ||
		    !strcmp(ev->process->name, "strace"))
			continue;
		got.exec += !strcmp(ev->kind, "EXEC");
		got.exec_failed += !strcmp(ev->kind, "EXEC_FAILED");
		got.open += !strcmp(ev->kind, "OPEN");
		got.rename += !strcmp(ev->kind, "RENAME");
		got.unlink += !strcmp(ev->kind, "UNLINK");
		got.connect += !strcmp(ev->kind, "CONNECT");
		got.made += is_one_of(ev->kind, made);
		got.mount += is_one_of(ev->kind, mounts);
	}
	EXPECT_UINT(want.exec, 2);
	EXPECT_UINT(want.rename, 40);
	EXPECT_UINT(want.connect, 20);
	EXPECT(want.open >= 40);
	EXPECT_UINT(want.made, 200);
	EXPECT_UINT(want.mount, 80);
	EXPECT_UINT(got.exec, want.exec);
	EXPECT_UINT(want.exec_failed, 1);
	EXPECT_UINT(got.exec_failed, want.exec_failed);
	EXPECT_UINT(got.open, want.open);
	EXPECT_UINT(got.rename, want.rename);
	EXPECT_UINT(got.unlink, want.unlink);
	EXPECT_UINT(got.connect, want.connect);
	EXPECT_UINT(got.made, want.made);
	EXPECT_UINT(got.mount, want.mount);
}
