/* SPDX-License-Identifier: Apache-2.0 */
/* The runner: each test forked, its leftovers removed, one line for each. */
#include "tests/live/harness.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

extern const struct live_test __start_live_tests[], __stop_live_tests[];
extern const struct live_helper __start_live_helpers[], __stop_live_helpers[];

#define FAIL_CODE 99
#define SKIP_CODE 98

static struct live_shared *shared;
static pid_t runner;
static char root_dir[64] = "/tmp/varve-live-XXXXXX";

void live_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;
	size_t n;

	if (shared->why[0]) /* the first reason counts */
		_exit(FAIL_CODE);
	n = snprintf(shared->why, sizeof(shared->why), "%s:%d: ", base ? base + 1 : file, line);
	va_start(args, fmt);
	vsnprintf(shared->why + n, sizeof(shared->why) - n, fmt, args);
	va_end(args);
	if (getpid() ==
	    runner) { /* a sensor that does not start or stop as it should ends the run */
		printf("not ok the sensor: %s\n", shared->why);
		fflush(stdout);
		live_remove_tree(root_dir);
	}
	_exit(FAIL_CODE);
}

void live_skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(shared->skip, sizeof(shared->skip), fmt, args);
	va_end(args);
	_exit(SKIP_CODE);
}

/* --- slow machines */

unsigned int live_slow(void)
{
	const char *given = getenv("TEST_SLOW");
	long factor = given ? strtol(given, NULL, 10) : 1;

	return MIN(MAX(factor, 1), 100);
}

unsigned int live_times(unsigned int usual, unsigned int slow)
{
	if (live_slow() == 1)
		return usual;
	snprintf(shared->note, sizeof(shared->note), ", %u times instead of %u", slow, usual);
	return slow;
}

void live_pause_ms(unsigned int ms)
{
	unsigned int i;

	for (i = 0; i < live_slow(); i++)
		usleep(ms * 1000);
}

void live_sensor_stopped(void)
{
	shared->sensor = 0;
}

/* --- leftovers */

static void write_word(const char *dir, const char *name, const char *word)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, word, strlen(word)) < 0)
		fprintf(stderr, "live: cannot write %s: %s\n", path, strerror(errno));
	close(fd);
}

static void reap_all(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void remove_cgroups(void)
{
	size_t i = shared->cgroup_cnt;
	unsigned int tries;

	while (i--) {
		write_word(shared->cgroup[i], "cgroup.kill", "1");
		for (tries = 0;
		     rmdir(shared->cgroup[i]) && errno == EBUSY && tries < 200u * live_slow();
		     tries++) {
			reap_all();
			usleep(10000);
		}
	}
}

/* --- running one */

static void in_child(const struct live_test *test, struct live_sensor *sensor)
{
	struct live t = {.sensor = sensor, .shared = shared};

	snprintf(t.dir, sizeof(t.dir), "%s/%s", root_dir, test->name);
	if (mkdir(t.dir, 0777) || setpgid(0, 0))
		FAIL("cannot begin: %s", strerror(errno));
	umask(022);
	test->fn(&t);
	_exit(0);
}

/* Status of the test's process; -1 if it took too long. */
static int await(pid_t pid, unsigned int timeout_s)
{
	struct timespec now, end;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_s;
	for (;;) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
			break;
		usleep(2000);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

enum verdict { PASSED, FAILED, SKIPPED };

static enum verdict tell(const struct live_test *test, int status, double took)
{
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == SKIP_CODE) {
		printf("skip %s: %s\n", test->name, shared->skip);
		return SKIPPED;
	}
	if (status == 0 && !shared->why[0]) {
		printf("ok %s (%.2f s%s)\n", test->name, took, shared->note);
		return PASSED;
	}
	if (status < 0)
		printf("not ok %s: it did not end within %u s %s\n", test->name,
		       test->timeout_s * live_slow(), shared->why);
	else if (WIFSIGNALED(status))
		printf("not ok %s: it died of signal %d (%s)\n", test->name, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else
		printf("not ok %s: %s\n", test->name,
		       shared->why[0] ? shared->why : "it ended otherwise than with 0");
	if (shared->had[0])
		printf("# %s had %s\n", test->name, shared->had);
	return FAILED;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static enum verdict run_test(const struct live_test *test, struct live_sensor *sensor)
{
	double began = seconds();
	char dir[256];
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	fflush(stdout);
	pid = fork();
	if (!pid)
		in_child(test, sensor);
	status = pid < 0 ? -1 : await(pid, test->timeout_s * live_slow());
	if (pid > 0)
		kill(-pid, SIGKILL);
	if (shared->sensor &&
	    kill(shared->sensor, SIGKILL) == 0) /* that the test did not stop itself */
		waitpid(shared->sensor, NULL, 0);
	remove_cgroups();
	reap_all();
	live_leaks_note(shared);
	snprintf(dir, sizeof(dir), "%s/%s", root_dir, test->name);
	live_remove_tree(dir);
	return tell(test, status, seconds() - began);
}

/* --- all of them */

static const char *const *sensor_args(enum live_sensor_kind kind)
{
	static const char *const args[][8] = {
		[LIVE_FIRST] = {"--read-opens", "first", "--heartbeat", "500ms", NULL},
		[LIVE_ALL] = {"--read-opens", "all", "--heartbeat", "500ms", NULL},
		[LIVE_OFF] = {"--read-opens", "off", "--heartbeat", "500ms", NULL},
	};

	return args[kind];
}

static bool wanted(const struct live_test *test, enum live_sensor_kind kind, char **names)
{
	if (test->sensor != kind)
		return false;
	if (!*names)
		return true;
	for (; *names; names++) {
		if (strstr(test->name, *names))
			return true;
	}
	return false;
}

/* TEST_TIMES: to find what fails seldom. */
static unsigned int times(void)
{
	const char *given = getenv("TEST_TIMES");

	return given ? MAX(strtol(given, NULL, 10), 1) : 1;
}

static void run_kind(enum live_sensor_kind kind, char **names, unsigned int count[3])
{
	struct live_sensor sensor = {};
	const struct live_test *test;
	unsigned int i;

	for (test = __start_live_tests; test < __stop_live_tests; test++) {
		if (!wanted(test, kind, names))
			continue;
		if (!sensor.pid && kind < LIVE_OWN)
			live_sensor_start(&sensor, root_dir, sensor_args(kind));
		for (i = 0; i < times(); i++)
			count[run_test(test, &sensor)]++;
	}
	if (!sensor.pid)
		return;
	memset(shared, 0, sizeof(*shared));
	live_sensor_note(shared, &sensor);
	live_leaks_note(shared);
	live_sensor_stop(&sensor);
}

static int run_helper(const char *name, const char *arg)
{
	const struct live_helper *h;

	for (h = __start_live_helpers; h < __stop_live_helpers; h++) {
		if (!strcmp(h->name, name))
			return h->fn(arg);
	}
	return 127;
}

static int run_all(char **names)
{
	unsigned int count[3] = {};
	double began = seconds();
	char why[512];
	int kind;

	for (kind = 0; kind < LIVE_KIND_CNT; kind++)
		run_kind(kind, names, count);
	live_remove_tree(root_dir);
	if (live_leaks_find(root_dir, why, sizeof(why))) {
		printf("not ok leaves_nothing: %s\n", why);
		count[FAILED]++;
	} else {
		printf("ok leaves_nothing\n");
		count[PASSED]++;
	}
	printf("live: %u passed, %u failed, %u skipped in %.1f s\n", count[PASSED], count[FAILED],
	       count[SKIPPED], seconds() - began);
	return count[FAILED] || count[PASSED] < 2;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "--helper"))
		return run_helper(argv[2], argc > 3 ? argv[3] : "");
	diag_init("live", DIAG_WARN);
	if (geteuid()) {
		fprintf(stderr,
			"live: the tests load BPF programs and make cgroups: run them as root\n");
		return 1;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || !mkdtemp(root_dir)) {
		perror("live");
		return 1;
	}
	runner = getpid();
	chmod(root_dir, 0755);
	/* Orphans of a test come to the runner, which ends them. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return run_all(argv + 1);
}
