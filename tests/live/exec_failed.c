/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void write_file(const char *path, const char *text, unsigned int mode)
{
	int fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

	EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	MUST(fchmod(fd, mode));
	close(fd);
}

/* What is not in memory cannot be read when the call has failed before the kernel copied it. */
static void touch(char *const *argv)
{
	volatile char c;

	for (; argv && *argv; argv++)
		if ((uintptr_t)*argv > 4096)
			c = **argv;
	(void)c;
}

/* Not execve(): the compiler knows better than to call it so. */
static long exec_it(const char *name, char **args, char **env)
{
	touch(args);
	return syscall(SYS_execve, name, args, env);
}

static long exec_at(int fd, const char *name, int flags)
{
	char *args[] = {(char *)"at", NULL}, *env[] = {NULL};

	return syscall(SYS_execveat, fd, name, args, env, flags);
}

static void fail(struct live *t, void *arg)
{
	char *args[] = {(char *)"zero", (char *)"", (char *)"t w o", NULL}, *env[] = {NULL};
	int fd;

	(void)arg;
	MUST(chdir(t->dir));
	EXPECT(exec_it("/nowhere/at/all", args, env) < 0 && errno == ENOENT);
	write_file("plain", "no program", 0644);
	EXPECT(exec_it("plain", args, env) < 0 && errno == EACCES);
	write_file("garbage", "no program", 0755);
	EXPECT(exec_it("./garbage", NULL, env) < 0 && errno == ENOEXEC);
	write_file("script", "#!/nowhere/interpreter\n", 0755);
	EXPECT(exec_it("./script", args, env) < 0 && errno == ENOENT);
	EXPECT(exec_it((char *)8, args, env) < 0 && errno == EFAULT);
	fd = MUST(open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	EXPECT(exec_at(fd, "plain", AT_SYMLINK_NOFOLLOW) < 0 && errno == EACCES);
	fd = MUST(open("plain", O_RDONLY | O_CLOEXEC));
	EXPECT(exec_at(fd, "", AT_EMPTY_PATH) < 0 && errno == EACCES);
}

LIVE(exec_failed_each_way, LIVE_FIRST)
{
	static const uint32_t errs[] = {ENOENT, EACCES, ENOEXEC, ENOENT, EFAULT, EACCES, EACCES};
	static const char *const names[] = {NULL, "plain", "./garbage", "./script",
					    NULL, "plain", "plain"};
	pid_t pid = live_do(t, fail, NULL);
	const Varve__V1__ExecFailed *e;
	char path[400];
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "EXEC_FAILED", 0), ARRAY_SIZE(errs));
	EXPECT_UINT(live_count(t, "EXEC", 0), 0);
	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		e = live_nth(t, "EXEC_FAILED", pid, i)->exec_failed;
		EXPECT_FIELD(e, call_errno, errs[i]);
		EXPECT_STR(e->call, i < 5 ? "execve" : "execveat");
		snprintf(path, sizeof(path), "%s/%s", t->dir, names[i]);
		if (names[i])
			EXPECT_STR(e->file->path, path);
		if (i != 4) /* whose name cannot be read */
			EXPECT_FIELD(e->file, path_user_memory, 1);
	}
	e = live_nth(t, "EXEC_FAILED", pid, 0)->exec_failed;
	EXPECT_STR(e->file->path, "/nowhere/at/all");
	EXPECT_UINT(e->n_args, 3);
	EXPECT_STR(e->args[0], "zero");
	EXPECT_STR(e->args[1], "");
	EXPECT_STR(e->args[2], "t w o");
	EXPECT_STR(e->cmd_line, "zero  t w o");
	EXPECT(!e->has_args_truncated && !e->has_flags);
	EXPECT_UINT(live_nth(t, "EXEC_FAILED", pid, 2)->exec_failed->n_args, 0);
	EXPECT(!live_nth(t, "EXEC_FAILED", pid, 4)->exec_failed->file);
	EXPECT_FIELD(live_nth(t, "EXEC_FAILED", pid, 5)->exec_failed, flags, AT_SYMLINK_NOFOLLOW);
	EXPECT_FIELD(live_nth(t, "EXEC_FAILED", pid, 6)->exec_failed, flags, AT_EMPTY_PATH);
}

static void fail_with_much(struct live *t, void *arg)
{
	char *many[41], *one[] = {(char *)"x", NULL, (char *)"", NULL}, *env[] = {NULL};
	size_t i;

	(void)arg;
	for (i = 0; i < 40; i++)
		many[i] = (char *)"abc";
	many[40] = NULL;
	EXPECT(exec_it("/nowhere", many, env) < 0);
	EXPECT(exec_it("/nowhere", many + 8, env) < 0);
	one[1] = t->shared->text[0];
	memset(one[1], 'l', 3000);
	EXPECT(exec_it("/nowhere", one, env) < 0);
	one[1] = (char *)8;
	EXPECT(exec_it("/nowhere", one, env) < 0 && (errno == EFAULT || errno == ENOENT));
}

LIVE(exec_failed_long_arguments, LIVE_FIRST)
{
	pid_t pid = live_do(t, fail_with_much, NULL);
	const Varve__V1__ExecFailed *e;

	live_end(t);
	e = live_nth(t, "EXEC_FAILED", pid, 0)->exec_failed;
	EXPECT_UINT(e->n_args, 32);
	EXPECT_FIELD(e, args_truncated, 1);
	EXPECT_STR(e->args[31], "abc");
	e = live_nth(t, "EXEC_FAILED", pid, 1)->exec_failed; /* just as many as are read */
	EXPECT_UINT(e->n_args, 32);
	EXPECT(!e->has_args_truncated);
	e = live_nth(t, "EXEC_FAILED", pid, 2)->exec_failed;
	EXPECT_UINT(e->n_args, 3);
	EXPECT_UINT(strlen(e->args[1]), 1023);
	EXPECT_STR(e->args[2], "");
	EXPECT_FIELD(e, args_truncated, 1);
	e = live_nth(t, "EXEC_FAILED", pid, 3)->exec_failed;
	EXPECT_UINT(e->n_args, 1);
	EXPECT_FIELD(e, args_truncated, 1);
}

LIVE_HELPER(do_nothing)
{
	return !arg;
}

static void succeed(struct live *t, void *arg)
{
	(void)t;
	(void)arg;
	execl("/proc/self/exe", "live", "--helper", "do_nothing", "x", NULL);
	FAIL("execl: %s", strerror(errno));
}

LIVE(exec_failed_not_of_success, LIVE_FIRST)
{
	pid_t pid = live_do(t, succeed, NULL);

	live_end(t);
	live_one(t, "EXEC", pid);
	EXPECT_UINT(live_count(t, "EXEC_FAILED", 0), 0);
}
