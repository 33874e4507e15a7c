/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/account.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static const char *const args[] = {"--heartbeat", "500ms", NULL};

struct waiting {
	char path[300];
	int input;
};

static void *thread_waits(void *arg)
{
	pause();
	return arg;
}

static void run_program(struct live *t, void *arg)
{
	struct waiting *w = arg;

	MUST(chdir(t->dir));
	MUST(dup2(w->input, STDIN_FILENO));
	execl(w->path, "first",
	      "se\xff"
	      "cond",
	      "", NULL);
	FAIL("cannot run %s: %s", w->path, strerror(errno));
}

static void run_threads(struct live *t, void *arg)
{
	pthread_t thread;

	(void)arg;
	EXPECT(!pthread_create(&thread, NULL, thread_waits, NULL));
	__atomic_store_n(&t->shared->value[0], 1, __ATOMIC_RELEASE);
	pause();
}

/* Until the program has replaced the test's own image. */
static void await_exec(pid_t pid, const char *path, struct account_process *ret_want)
{
	unsigned int tries;

	for (tries = 0; tries < 1000 * live_slow(); tries++) {
		account_read_process(pid, ret_want);
		if (!strcmp(ret_want->exe, path) && ret_want->cmdline_len)
			return;
		usleep(2000);
	}
	FAIL("%s does not run", path);
}

static void expect_snapshot(const Varve__V1__Event *ev, pid_t pid,
			    const struct account_process *want, const struct stat *exe)
{
	const Varve__V1__ProcessSnapshot *body = ev->process_snapshot;

	account_expect_process(ev->process, pid, want);
	EXPECT_FIELD(ev->process, from_snapshot, 1);
	EXPECT(!ev->kernel_number);
	account_expect_namespaces(body->namespaces, want);
	account_expect_file(body->exe, exe);
	EXPECT_STR(body->exe->path, want->exe);
	EXPECT_STR(body->cwd->path, want->cwd);
	EXPECT(!body->tty);
	EXPECT_UINT(body->n_args, 3);
	EXPECT_STR(body->args[0], "first");
	EXPECT_UINT(body->args_raw.len, want->cmdline_len);
	EXPECT(!memcmp(body->args_raw.data, want->cmdline, want->cmdline_len));
}

/* What ran before the sensor did: found, marked, and the same process in what comes after. */
LIVE(process_snapshot_of_container, LIVE_OWN)
{
	struct account_process want;
	Varve__V1__Event *ev, *start;
	struct waiting w;
	int pipe_fd[2];
	struct stat st;
	pid_t pid;

	snprintf(w.path, sizeof(w.path), "%s/program", t->dir);
	account_write_program(w.path);
	MUST(stat(w.path, &st));
	MUST(pipe2(pipe_fd, O_CLOEXEC));
	w.input = pipe_fd[0];
	pid = live_spawn(t, run_program, &w);
	await_exec(pid, w.path, &want);
	live_own_sensor(t, args);
	close(pipe_fd[1]);
	close(pipe_fd[0]);
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	live_end(t);
	live_sensor_stop(t->sensor);
	start = live_one(t, "CONTAINER_START", 0);
	EXPECT_FIELD(start->container_start, from_snapshot, 1);
	EXPECT(!start->kernel_number);
	EXPECT_FIELD(start->container, cgroup_id, t->cgroup_id);
	ev = live_one(t, "PROCESS_SNAPSHOT", pid);
	EXPECT_UINT(live_count(t, "PROCESS_SNAPSHOT", 0), 1);
	expect_snapshot(ev, pid, &want, &st);
	EXPECT_FIELD(live_one(t, "EXIT", pid)->process, from_snapshot, 1);
	EXPECT_STR(live_one(t, "EXIT", pid)->process->process_uid, ev->process->process_uid);
	EXPECT_STR(live_one(t, "EXIT", pid)->process->exe_path, w.path);
}

static void run_when_told(struct live *t, void *arg)
{
	__atomic_store_n(&t->shared->value[0], 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE) != 2)
		usleep(1000);
	run_program(t, arg);
}

static void fill_ring(struct live *t, void *arg)
{
	(void)t, (void)arg;
	for (int i = 0; i < 100; i++)
		if (!MUST(fork()))
			_exit(0);
	while (wait(NULL) > 0)
		;
}

/* An exec whose record was lost: the process does not keep the name of what it ran before. */
LIVE_TIMEOUT(process_snapshot_then_lost_exec, LIVE_OWN, 90)
{
	static const char *const tiny[] = {"--decisive-ring-size",
					   "4096",
					   "--fair-share",
					   "off",
					   "--heartbeat",
					   "100ms",
					   NULL};
	const Varve__V1__Process *after;
	struct account_process want;
	struct waiting w;
	int pipe_fd[2];
	pid_t pid;

	snprintf(w.path, sizeof(w.path), "%s/program", t->dir);
	account_write_program(w.path);
	MUST(pipe2(pipe_fd, O_CLOEXEC));
	w.input = pipe_fd[0];
	pid = live_spawn(t, run_when_told, &w);
	while (__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE) != 1)
		usleep(1000);
	live_own_sensor(t, tiny);
	MUST(kill(t->sensor->pid, SIGSTOP));
	live_do(t, fill_ring, NULL);
	__atomic_store_n(&t->shared->value[0], 2, __ATOMIC_RELEASE);
	await_exec(pid, w.path, &want);
	MUST(kill(t->sensor->pid, SIGCONT));
	live_pause_ms(300); /* the ring is empty again when it ends */
	close(pipe_fd[1]);
	close(pipe_fd[0]);
	EXPECT_UINT(live_wait(pid), ACCOUNT_PROGRAM_CODE << 8);
	t->loss_expected = true;
	live_end(t);
	live_sensor_stop(t->sensor);
	EXPECT(live_one(t, "PROCESS_SNAPSHOT", pid)->process->exe_path);
	EXPECT_UINT(live_count(t, "EXEC", pid), 0);
	after = live_one(t, "EXIT", pid)->process;
	EXPECT_FIELD(after, from_snapshot, 1);
	EXPECT_STR(after->name, "program");
	EXPECT(!after->exe_path);
	EXPECT(!after->cmd_line);
}

/* A process of two threads is one; a nested cgroup belongs to its container. */
LIVE(process_snapshot_of_nested, LIVE_OWN)
{
	char name[128], inner[256];
	uint64_t inner_id;
	pid_t pid;

	live_begin(t);
	snprintf(name, sizeof(name), "%s/inner", t->id);
	inner_id = live_make_cgroup(t, name, inner);
	pid = MUST(fork());
	if (!pid) {
		live_enter(inner);
		run_threads(t, NULL);
	}
	while (!__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE))
		usleep(1000);
	live_own_sensor(t, args);
	kill(pid, SIGKILL);
	EXPECT_UINT(live_wait(pid), SIGKILL);
	MUST(rmdir(inner));
	live_end(t);
	live_sensor_stop(t->sensor);
	live_one(t, "PROCESS_SNAPSHOT", pid);
	EXPECT_FIELD(live_one(t, "EXIT", pid)->kernel_number, cgroup_id, inner_id);
	EXPECT_UINT(live_count(t, "CONTAINER_STOP", 0), 2);
}
