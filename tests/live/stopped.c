/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/stopped.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

void stopped_exec(struct stopped *s)
{
	char dotted[64], *argv[] = {dotted, NULL};
	char *const *args = s->argv ? s->argv : argv;

	snprintf(dotted, sizeof(dotted), "./%s", s->name ? s->name : "memfd");
	MUST(dup2(s->input, STDIN_FILENO));
	if (s->by_fd)
		syscall(SYS_execveat, s->fd, "", args, environ, AT_EMPTY_PATH);
	else
		syscall(SYS_execve, dotted, s->no_argv ? NULL : args, environ);
	FAIL("cannot run %s: %s", dotted, strerror(errno));
}

static void prepare(struct live *t, void *arg)
{
	struct stopped *s = arg;

	MUST(chdir(t->dir));
	if (s->before)
		s->before(s);
	stopped_exec(s);
}

void stopped_private_mounts(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* The program is at its read: comm is its own, and it sleeps. */
static void await_program(pid_t pid)
{
	char path[64], text[512];
	unsigned int tries;
	int status;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (tries = 0; tries < 2500 * live_slow(); tries++) {
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

		text[MAX(n, 0)] = '\0';
		/* read(0, ...), from a program at 0x400000 */
		if (!strncmp(text, "0 0x0 ", 6) && strstr(text, " 0x4000"))
			return;
		if (waitpid(pid, &status, WNOHANG) == pid)
			FAIL("the program ended with status 0x%x before it ran", status);
		usleep(2000);
	}
	FAIL("the program does not run: %.100s", text);
}

pid_t stopped_run(struct live *t, struct stopped *s, struct account_process *ret_want)
{
	int pipe_fd[2], status;
	pid_t pid;

	MUST(pipe2(pipe_fd, O_CLOEXEC));
	s->input = pipe_fd[0];
	pid = live_spawn(t, prepare, s);
	await_program(pid);
	account_read_process(pid, ret_want);
	close(pipe_fd[1]);
	close(pipe_fd[0]);
	status = live_wait(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 98)
		_exit(98); /* the child skipped */
	EXPECT_UINT(status, ACCOUNT_PROGRAM_CODE << 8);
	live_end(t);
	return pid;
}
