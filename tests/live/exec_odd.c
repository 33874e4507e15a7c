/* SPDX-License-Identifier: Apache-2.0 */
/* exec: in odd ways: by a directory's or the file's descriptor, scripts of scripts; and a process
 * that changes its container. */
#include "tests/live/stopped.h"
#include <fcntl.h>
#include <sys/syscall.h>

extern char **environ;

static void make_program(struct live *t, char path[300])
{
	snprintf(path, 300, "%s/program", t->dir);
	account_write_program(path);
}

static void write_script(const char *path, const char *first_line)
{
	_cleanup_close_ int fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));

	EXPECT(write(fd, first_line, strlen(first_line)) == (ssize_t)strlen(first_line));
}

/* The child's account of what it did; in the test's shared memory. */
static struct stopped *shared_stopped(struct live *t, const struct stopped *s)
{
	struct stopped *ret = (struct stopped *)t->shared->text[7];

	*ret = *s;
	return ret;
}

/* --- by descriptors */

static void at_directory(struct stopped *s)
{
	s->fd = MUST(open(".", O_PATH | O_DIRECTORY));
	MUST(chdir("/"));
	MUST(dup2(s->input, STDIN_FILENO));
	syscall(SYS_execveat, s->fd, "program", (char *[]){"zero", NULL}, environ, 0);
	FAIL("execveat: %s", strerror(errno));
}

/* The name is the kernel's own word for (descriptor, name). */
LIVE(exec_at_directory, LIVE_FIRST)
{
	struct stopped *s = shared_stopped(t, &(struct stopped){.before = at_directory});
	struct account_process want;
	char path[300], name[64];
	Varve__V1__Exec *ev;

	make_program(t, path);
	ev = live_one(t, "EXEC", stopped_run(t, s, &want))->exec;
	snprintf(name, sizeof(name), "/dev/fd/%d/program", s->fd);
	EXPECT_STR(ev->filename, name);
	EXPECT_STR(ev->file->path, path);
	EXPECT_STR(ev->file->path, want.exe);
	EXPECT_STR(ev->cwd->path, "/");
	EXPECT_STR(ev->cmd_line, "zero");
}

static void open_program(struct stopped *s)
{
	s->fd = MUST(open("program", O_RDONLY | O_CLOEXEC));
}

LIVE(exec_by_descriptor, LIVE_FIRST)
{
	struct stopped *s =
		shared_stopped(t, &(struct stopped){.before = open_program, .by_fd = true});
	struct account_process want;
	char path[300], name[64];
	Varve__V1__Event *ev;
	pid_t pid;

	make_program(t, path);
	pid = stopped_run(t, s, &want);
	ev = live_one(t, "EXEC", pid);
	snprintf(name, sizeof(name), "/dev/fd/%d", s->fd);
	EXPECT_STR(ev->exec->filename, name);
	EXPECT(!ev->exec->interpreter);
	EXPECT_STR(ev->exec->file->path, path);
	account_expect_process(ev->process, pid, &want);
}

static void open_script(struct stopped *s)
{
	s->fd = MUST(open("script", O_RDONLY)); /* its interpreter has to open it again */
}

LIVE(exec_script_by_descriptor, LIVE_FIRST)
{
	struct stopped *s =
		shared_stopped(t, &(struct stopped){.before = open_script, .by_fd = true});
	char path[300], script[300], text[400], name[64];
	struct account_process want;
	Varve__V1__Exec *ev;

	make_program(t, path);
	snprintf(script, sizeof(script), "%s/script", t->dir);
	snprintf(text, sizeof(text), "#!%s\n", path);
	write_script(script, text);
	ev = live_one(t, "EXEC", stopped_run(t, s, &want))->exec;
	snprintf(name, sizeof(name), "/dev/fd/%d", s->fd);
	EXPECT_STR(ev->filename, name);
	EXPECT_STR(ev->interpreter, path);
	EXPECT_STR(ev->file->path, path);
	EXPECT_UINT(ev->n_args, 2);
	EXPECT_STR(ev->args[1], name);
}

/* --- a script whose interpreter is a script */

LIVE(exec_script_of_script, LIVE_FIRST)
{
	struct stopped s = {.name = "outer", .argv = (char *[]){"zero", "one", NULL}};
	char path[300], inner[300], outer[300], text[400];
	const char *want_args[] = {path, "-i", inner, "-o", "./outer", "one"};
	struct account_process want;
	Varve__V1__Exec *ev;
	size_t i;

	make_program(t, path);
	snprintf(inner, sizeof(inner), "%s/inner", t->dir);
	snprintf(text, sizeof(text), "#!%s -i\n", path);
	write_script(inner, text);
	snprintf(outer, sizeof(outer), "%s/outer", t->dir);
	snprintf(text, sizeof(text), "#!%s -o\n", inner);
	write_script(outer, text);
	ev = live_one(t, "EXEC", stopped_run(t, &s, &want))->exec;
	EXPECT_STR(ev->filename, "./outer");
	EXPECT_STR(ev->interpreter, path);
	EXPECT_STR(ev->file->path, path);
	EXPECT_UINT(ev->n_args, ARRAY_SIZE(want_args));
	for (i = 0; i < ARRAY_SIZE(want_args); i++)
		EXPECT_STR(ev->args[i], want_args[i]);
}

/* --- one process, two containers, one after the other */

static void write_file(const char *dir, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
}

static void change_container(struct live *t, void *other)
{
	write_file(t->dir, "before");
	live_enter(other);
	write_file(t->dir, "after");
	execl(t->shared->text[0], "moved", NULL);
	FAIL("execl: %s", strerror(errno));
}

static const Varve__V1__Event *find_open(const struct live *t, pid_t pid, const char *name)
{
	char path[300];
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	for (i = 0; i < t->event_cnt; i++) {
		const Varve__V1__Event *ev = t->events[i];

		if (!strcmp(ev->kind, "OPEN") && ev->process->pid == (uint32_t)pid &&
		    !strcmp(ev->open->file->path, path))
			return ev;
	}
	return NULL;
}

/* Each record is of the container that the process was in then; it stays the same process. */
LIVE_TIMEOUT(exec_in_other_container, LIVE_FIRST, 60)
{
	struct live other = {.sensor = t->sensor, .shared = t->shared};
	const Varve__V1__Event *before, *after, *exec;
	char path[300], *uid;
	pid_t pid;

	make_program(t, path);
	snprintf(t->shared->text[0], sizeof(t->shared->text[0]), "%s", path);
	dup2(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), STDIN_FILENO);
	memcpy(other.dir, t->dir, sizeof(other.dir));
	live_begin(t);
	live_begin(&other);
	pid = live_spawn(t, change_container, other.cgroup);
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	live_end(t);
	live_end(&other);
	before = find_open(t, pid, "before");
	EXPECT(before && !find_open(t, pid, "after"));
	EXPECT_STR(before->container->id, t->id);
	EXPECT_UINT(live_count(t, "EXEC", 0) + live_count(t, "EXIT", 0), 0);
	after = find_open(&other, pid, "after");
	EXPECT(after && !find_open(&other, pid, "before"));
	exec = live_one(&other, "EXEC", pid);
	uid = before->process->process_uid;
	EXPECT_STR(after->process->process_uid, uid);
	EXPECT_STR(exec->process->process_uid, uid);
	EXPECT_STR(live_one(&other, "EXIT", pid)->process->process_uid, uid);
	EXPECT_STR(exec->container->id, other.id);
	EXPECT_FIELD(exec->kernel_number, cgroup_id, other.cgroup_id);
	EXPECT_STR(exec->exec->file->path, path);
}
