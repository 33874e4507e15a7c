/* SPDX-License-Identifier: Apache-2.0 */
/* The container of a test: its cgroup, and processes in it. */
#include "tests/live/harness.h"
#include "evidence/log.h"
#include "evidence/log_format.h"
#include <fcntl.h>
#include <mntent.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *find_mount(const char *hierarchy)
{
	static char dir[256];
	bool v2 = !strcmp(hierarchy, "v2"), found = false;
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	while (f && !found && (m = getmntent(f))) {
		found = v2 ? !strcmp(m->mnt_type, "cgroup2")
			   : !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, hierarchy);
		if (found)
			snprintf(dir, sizeof(dir), "%s", m->mnt_dir);
	}
	if (f)
		endmntent(f);
	return found ? dir : NULL;
}

const char *live_cgroup_hierarchy(void)
{
	const char *given = getenv("TEST_CGROUP");

	if (given && *given)
		return given;
	return find_mount("v2") ? "v2" : find_mount("pids") ? "pids" : "memory";
}

bool live_cgroup_is_v1(void)
{
	return strcmp(live_cgroup_hierarchy(), "v2");
}

const char *live_cgroup_mount(void)
{
	static const char *dir;

	if (!dir)
		dir = find_mount(live_cgroup_hierarchy());
	if (!dir)
		FAIL("no cgroup hierarchy %s is mounted", live_cgroup_hierarchy());
	return dir;
}

void live_needs_v2(const char *what)
{
	if (live_cgroup_is_v1())
		live_skip("%s: in cgroup v2 only", what);
}

uint64_t live_make_cgroup(struct live *t, const char *name, char ret_path[256])
{
	struct stat st;

	EXPECT(t->shared->cgroup_cnt < ARRAY_SIZE(t->shared->cgroup));
	EXPECT(snprintf(ret_path, 256, "%s/%s", live_cgroup_mount(), name) < 256);
	memcpy(t->shared->cgroup[t->shared->cgroup_cnt++], ret_path, 256);
	MUST(mkdir(ret_path, 0755));
	MUST(stat(ret_path, &st));
	return st.st_ino;
}

static uint64_t newest_segment(const char *dir)
{
	_cleanup_close_ int dirfd = MUST(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	_cleanup_free_ uint64_t *firsts = NULL;
	size_t cnt;

	if (log_dir_list(dirfd, &firsts, &cnt))
		FAIL("cannot list the log in %s", dir);
	return cnt ? firsts[cnt - 1] : 0;
}

/* Where the log ends now: what the test does comes after. */
static uint64_t log_end(const char *dir)
{
	uint64_t next = newest_segment(dir);
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;

	if (log_reader_open(dir, next, &reader))
		FAIL("cannot open the log in %s", dir);
	while (log_reader_next(reader, &payload, &len, &pos) == 1)
		next = pos.index + 1;
	log_reader_close(reader);
	return next;
}

void live_new_id(struct live *t)
{
	uint8_t random[32];
	size_t i;

	EXPECT(getrandom(random, sizeof(random), 0) == sizeof(random));
	for (i = 0; i < sizeof(random); i++)
		snprintf(t->id + 2 * i, 3, "%02x", random[i]);
	if (t->sensor->pid)
		t->log_from = log_end(t->sensor->log_dir);
}

void live_begin(struct live *t)
{
	live_new_id(t);
	t->cgroup_id = live_make_cgroup(t, t->id, t->cgroup);
}

void live_move(pid_t pid, const char *cgroup)
{
	_cleanup_close_ int fd = -1;
	char path[512], text[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(text, sizeof(text), "%d", pid);
	fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(write(fd, text, strlen(text)));
}

void live_enter(const char *cgroup)
{
	live_move(0, cgroup);
}

pid_t live_spawn(struct live *t, live_fn fn, void *arg)
{
	pid_t pid;

	if (!t->id[0])
		live_begin(t);
	pid = MUST(fork());
	if (pid)
		return pid;
	live_enter(t->cgroup);
	fn(t, arg);
	_exit(0);
}

pid_t live_idle(void)
{
	pid_t pid = MUST(fork());

	if (!pid) {
		for (;;)
			pause();
	}
	return pid;
}

int live_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR)
			FAIL("cannot wait for %d: %s", pid, strerror(errno));
	}
	return status;
}

pid_t live_do(struct live *t, live_fn fn, void *arg)
{
	pid_t pid = live_spawn(t, fn, arg);
	int status = live_wait(pid);
	char why[sizeof(t->shared->skip)];

	memcpy(why, t->shared->skip, sizeof(why));
	if (*why)
		live_skip("%s", why);
	if (status)
		FAIL("the child ended with status 0x%x", status);
	return pid;
}
