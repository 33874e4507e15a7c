/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILE_HASH against SHA-256 that the test computes of the bytes it wrote. Programs here end at once
 * (their standard input is empty): by the time the sensor looks they are gone.
 */
#include "tests/live/account.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>


/* --- programs, and what they hash to */

/* The smallest program and, behind what is loaded of it, `filler` bytes of this value. */
static void write_program(int fd, char value, size_t filler)
{
	char block[4096];
	size_t n;

	account_write_program_fd(fd);
	memset(block, value, sizeof(block));
	for (; filler; filler -= n) {
		n = MIN(filler, sizeof(block));
		EXPECT(write(fd, block, n) == (ssize_t)n);
	}
}

static void make_program(const char *path, char value, size_t filler)
{
	_cleanup_close_ int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));

	write_program(fd, value, filler);
}

void live_sha256(const char *path, char ret_hex[LIVE_SHA256_SIZE])
{
	_cleanup_close_ int fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t digest[32], buf[4096];
	ssize_t n;
	size_t i;

	EXPECT(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL));
	while ((n = MUST(read(fd, buf, sizeof(buf)))) > 0)
		EVP_DigestUpdate(md, buf, n);
	EXPECT(EVP_DigestFinal_ex(md, digest, NULL));
	EVP_MD_CTX_free(md);
	for (i = 0; i < sizeof(digest); i++)
		sprintf(ret_hex + 2 * i, "%02x", digest[i]);
}

static void no_input(void)
{
	dup2(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), STDIN_FILENO);
}

static void run_it(struct live *t, void *arg)
{
	(void)t;
	no_input();
	execl(arg, arg, NULL);
	FAIL("execl: %s", strerror(errno));
}

static void ends_with_42(pid_t pid)
{
	int status = live_wait(pid);

	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == ACCOUNT_PROGRAM_CODE);
}

/* Runs it in the container, to its end. */
static pid_t run_program(struct live *t, char *path)
{
	pid_t pid = live_spawn(t, run_it, path);

	ends_with_42(pid);
	return pid;
}

/* --- what is said of it */

/* The n-th FILE_HASH of this path. */
static Varve__V1__FileHash *hash_of(const struct live *t, const char *path, size_t n)
{
	Varve__V1__FileHash *h;
	size_t i, found = 0;

	for (i = 0; i < t->event_cnt; i++) {
		h = t->events[i]->file_hash;
		if (t->events[i]->body_case == VARVE__V1__EVENT__BODY_FILE_HASH && h->file->path &&
		    !strcmp(h->file->path, path) && found++ == n)
			return h;
	}
	return NULL;
}

/* While its process lives; however long a busy machine takes. */
static void await_hash(struct live *t, const char *path)
{
	int tries;

	for (tries = 0; tries < 300; tries++) {
		live_collect_all(t);
		if (hash_of(t, path, 0))
			return;
		usleep(50000);
	}
	FAIL("no FILE_HASH of %s within 15 s", path);
}

/* Until the process runs the program. */
static void await_exec(pid_t pid, const char *path)
{
	char link[64], exe[400];
	ssize_t n;
	int tries;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	for (tries = 0; tries < 2000; tries++) {
		n = readlink(link, exe, sizeof(exe) - 1);
		exe[n > 0 ? n : 0] = '\0';
		if (!strcmp(exe, path))
			return;
		usleep(5000);
	}
	FAIL("process %d does not run %s", pid, path);
}

/* It belongs to this process's only EXEC. */
static void expect_joins(const struct live *t, const Varve__V1__FileHash *h, pid_t pid)
{
	const Varve__V1__Event *exec = live_one(t, "EXEC", pid);

	EXPECT_STR(h->event_kind, "EXEC");
	EXPECT_STR(h->process_uid, exec->process->process_uid);
	EXPECT_FIELD(h, event_boot_time_nano, exec->boot_time_nano);
	EXPECT_UINT(h->file->has_inode, exec->exec->file->has_inode);
	EXPECT_UINT(h->file->inode, exec->exec->file->inode);
	EXPECT_FIELD(h->file, device, exec->exec->file->device);
	EXPECT_FIELD(h->file, size, exec->exec->file->size);
}

static const Varve__V1__FileHash *expect_hash(const struct live *t, const char *path,
					      const char *want, pid_t pid)
{
	const Varve__V1__FileHash *h = hash_of(t, path, 0);

	if (!h)
		FAIL("no FILE_HASH of %s", path);
	if (h->reason)
		FAIL("not computed: %s, errno %u", h->reason, h->error_errno);
	EXPECT_STR(h->sha256, want);
	EXPECT(!hash_of(t, path, 1));
	expect_joins(t, h, pid);
	return h;
}

static const Varve__V1__FileHash *expect_reason(const struct live *t, const char *path,
						const char *want)
{
	const Varve__V1__FileHash *h = hash_of(t, path, 0);

	if (!h)
		FAIL("no FILE_HASH of %s", path);
	EXPECT_STR(h->reason, want);
	EXPECT(!h->sha256 && !h->has_change_time_unix_nano && !h->has_cached);
	return h;
}

/* --- */

LIVE_TIMEOUT(file_hash_short_lived, LIVE_FIRST, 60)
{
	char path[300], want[LIVE_SHA256_SIZE];
	const Varve__V1__FileHash *h;
	struct stat st;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", t->dir);
	make_program(path, 's', 300000);
	live_sha256(path, want);
	pid = run_program(t, path);
	live_end(t);
	h = expect_hash(t, path, want, pid);
	MUST(stat(path, &st));
	account_expect_file(h->file, &st);
	EXPECT_FIELD(h, change_time_unix_nano,
		     st.st_ctim.tv_sec * (int64_t)NSEC_PER_SEC + st.st_ctim.tv_nsec);
	EXPECT(!h->has_cached && !h->has_changed_after);
}

/* Many of one file, some at once: one record; in another container the same, from the cache. */
LIVE_TIMEOUT(file_hash_once_per_container, LIVE_FIRST, 60)
{
	char path[300], want[LIVE_SHA256_SIZE];
	const Varve__V1__FileHash *h;
	pid_t pid[50], other;
	size_t i;

	snprintf(path, sizeof(path), "%s/program", t->dir);
	make_program(path, 'o', 5000);
	live_sha256(path, want);
	for (i = 0; i < 25; i++)
		pid[i] = run_program(t, path);
	for (; i < ARRAY_SIZE(pid); i++)
		pid[i] = live_spawn(t, run_it, path);
	for (i = 25; i < ARRAY_SIZE(pid); i++)
		ends_with_42(pid[i]);
	live_end(t);
	EXPECT_UINT(live_count(t, "EXEC", 0), 50);
	EXPECT_UINT(live_count(t, "FILE_HASH", 0), 1);
	expect_hash(t, path, want, pid[0]);

	t->cgroup[0] = '\0';
	live_begin(t);
	other = run_program(t, path);
	live_end(t);
	EXPECT_UINT(live_count(t, "FILE_HASH", 0), 1);
	h = expect_hash(t, path, want, other);
	EXPECT_FIELD(h, cached, 1);
}

/* --- a sensor that looks late: it stands still while the programs run and end */

static void write_last_byte(const char *path, char byte)
{
	_cleanup_close_ int fd = MUST(open(path, O_WRONLY | O_CLOEXEC));

	MUST(lseek(fd, -1, SEEK_END));
	EXPECT(write(fd, &byte, 1) == 1);
}

static void run_memfd(struct live *t, void *arg)
{
	int fd = MUST(memfd_create("hidden", MFD_CLOEXEC));

	(void)t;
	(void)arg;
	write_program(fd, 'm', 10);
	no_input();
	fexecve(fd, (char *[]){"hidden", NULL}, (char *[]){NULL});
	FAIL("fexecve: %s", strerror(errno));
}

LIVE_TIMEOUT(file_hash_looked_at_late, LIVE_OWN, 60)
{
	static const char *const names[] = {"intact",  "replaced", "rewritten",
					    "removed", "renamed",  "again"};
	static const char *const args[] = {"--heartbeat", "500ms", NULL};
	char path[ARRAY_SIZE(names)][300], want[LIVE_SHA256_SIZE], again[LIVE_SHA256_SIZE], other[300];
	pid_t pid[ARRAY_SIZE(names)], second;
	size_t i;

	live_own_sensor(t, args);
	snprintf(other, sizeof(other), "%s/other", t->dir);
	make_program(other, 'x', 100);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%s", t->dir, names[i]);
		make_program(path[i], 'a' + i, 100);
	}
	live_sha256(path[0], want);
	live_begin(t);
	usleep(300000);
	MUST(kill(t->sensor->pid, SIGSTOP));
	for (i = 0; i < ARRAY_SIZE(names); i++)
		pid[i] = run_program(t, path[i]);
	ends_with_42(live_spawn(t, run_memfd, NULL));
	usleep(50000); /* so that what is written now has another time */
	MUST(rename(other, path[1]));
	write_last_byte(path[2], 'y');
	MUST(unlink(path[3]));
	MUST(rename(path[4], other));
	write_last_byte(path[5], 'z');
	usleep(50000);
	second = run_program(t, path[5]);
	live_sha256(path[5], again);
	MUST(kill(t->sensor->pid, SIGCONT));
	live_end(t);
	live_sensor_stop(t->sensor);
	expect_hash(t, path[0], want, pid[0]);
	expect_joins(t, expect_reason(t, path[1], "changed"), pid[1]);
	expect_joins(t, expect_reason(t, path[2], "changed"), pid[2]);
	expect_joins(t, expect_reason(t, path[3], "gone"), pid[3]);
	expect_joins(t, expect_reason(t, path[4], "gone"), pid[4]);
	expect_reason(t, "memfd:hidden", "gone");
	/* What the first one ran is not known, what the second one ran is. */
	expect_joins(t, expect_reason(t, path[5], "changed"), pid[5]);
	EXPECT(hash_of(t, path[5], 1) && hash_of(t, path[5], 1)->sha256);
	EXPECT_STR(hash_of(t, path[5], 1)->sha256, again);
	expect_joins(t, hash_of(t, path[5], 1), second);
}

/* --- programs that live, and have no name (any more) */

struct waiting {
	char *path; /* NULL: a memfd */
	int input[2];
};

static void run_waiting(struct live *t, void *arg)
{
	struct waiting *w = arg;
	int fd = -1;

	(void)t;
	if (!w->path) {
		fd = MUST(memfd_create("waits", MFD_CLOEXEC));
		write_program(fd, 'w', 20000);
	}
	dup2(w->input[0], STDIN_FILENO);
	close(w->input[1]);
	if (w->path)
		execl(w->path, w->path, NULL);
	else
		fexecve(fd, (char *[]){"waits", NULL}, (char *[]){NULL});
	FAIL("exec: %s", strerror(errno));
}

static void end_waiting(struct waiting *w, pid_t pid)
{
	close(w->input[1]);
	ends_with_42(pid);
	close(w->input[0]);
}

LIVE_TIMEOUT(file_hash_memfd, LIVE_FIRST, 60)
{
	struct waiting w = {};
	char path[300], want[LIVE_SHA256_SIZE];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/same", t->dir);
	make_program(path, 'w', 20000);
	live_sha256(path, want);
	MUST(pipe2(w.input, O_CLOEXEC));
	pid = live_spawn(t, run_waiting, &w);
	await_hash(t, "memfd:waits");
	end_waiting(&w, pid);
	live_end(t);
	EXPECT_FIELD(expect_hash(t, "memfd:waits", want, pid)->file, memfd, 1);
}

LIVE_TIMEOUT(file_hash_removed_while_it_runs, LIVE_FIRST, 60)
{
	char path[300], want[LIVE_SHA256_SIZE];
	struct waiting w = {.path = path};
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", t->dir);
	make_program(path, 'r', 20000);
	live_sha256(path, want);
	MUST(pipe2(w.input, O_CLOEXEC));
	pid = live_spawn(t, run_waiting, &w);
	await_exec(pid, path);
	MUST(unlink(path));
	make_program(path, 'n', 20000);
	await_hash(t, path);
	end_waiting(&w, pid);
	live_end(t);
	expect_hash(t, path, want, pid);
}

/* --- another root directory */

struct rooted {
	/* Fills the working directory, a fresh tmpfs, and makes the new root in ./root. */
	void (*make)(struct rooted *r);
	const char *options; /* of the overlay */
};

static void make_programs(const char *dir)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/init", dir);
	make_program(path, 'i', 7000);
	snprintf(path, sizeof(path), "%s/brief", dir);
	make_program(path, 'b', 8000);
}

static void make_plain(struct rooted *r)
{
	(void)r;
	make_programs("root");
}

/* The lower layer on this file system, the upper one on the same, or on another. */
static void make_overlay(struct rooted *r)
{
	char options[256];

	MUST(mkdir("lower", 0755) | mkdir("up", 0755));
	if (r->options[0])
		MUST(mount("none", "up", "tmpfs", 0, NULL));
	MUST(mkdir("up/upper", 0755) | mkdir("up/work", 0755));
	make_programs("lower");
	snprintf(options, sizeof(options), "lowerdir=lower,upperdir=up/upper,workdir=up/work%s",
		 strcmp(r->options, "other") ? r->options : "");
	if (mount("overlay", "root", "overlay", 0, options))
		live_skip("no such overlay here: %s", strerror(errno));
}

static pid_t fork_exec(const char *path, int input)
{
	pid_t pid = MUST(fork());

	if (pid)
		return pid;
	dup2(input, STDIN_FILENO);
	execl(path, path, NULL);
	FAIL("execl: %s", strerror(errno));
}

/* As a container is: its own mounts, its own root, a first process that stays and another that does
 * not. */
static void live_rooted(struct live *t, void *arg)
{
	struct rooted *r = arg;
	pid_t init, brief;
	struct stat st;
	int input[2];

	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("none", t->dir, "tmpfs", 0, NULL));
	MUST(chdir(t->dir));
	MUST(mkdir("root", 0755));
	r->make(r);
	live_sha256("root/init", t->shared->text[0]);
	live_sha256("root/brief", t->shared->text[1]);
	MUST(stat("root", &st));
	MUST(pipe2(input, O_CLOEXEC));
	MUST(chroot("root"));
	MUST(chdir("/"));
	init = fork_exec("/init", input[0]);
	while (!__atomic_load_n(&t->shared->value[3], __ATOMIC_ACQUIRE))
		usleep(1000);
	close(input[0]);
	close(input[1]);
	/* Its standard input is closed: it cannot even wait. */
	brief = fork_exec("/brief", -1);
	EXPECT(WEXITSTATUS(live_wait(brief)) == ACCOUNT_PROGRAM_CODE);
	EXPECT(WEXITSTATUS(live_wait(init)) == ACCOUNT_PROGRAM_CODE);
	t->shared->value[0] = account_device(st.st_dev);
	t->shared->value[1] = init;
	t->shared->value[2] = brief;
}

static void expect_rooted(struct live *t, struct rooted r)
{
	pid_t pid = live_spawn(t, live_rooted, &r);
	const Varve__V1__FileHash *h;

	await_hash(t, "/init");
	__atomic_store_n(&t->shared->value[3], 1, __ATOMIC_RELEASE);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(t);
	expect_hash(t, "/init", t->shared->text[0], t->shared->value[1]);
	h = expect_hash(t, "/brief", t->shared->text[1], t->shared->value[2]);
	EXPECT_FIELD(h->file, device, t->shared->value[0]);
}

LIVE_TIMEOUT(file_hash_in_other_root, LIVE_FIRST, 60)
{
	expect_rooted(t, (struct rooted){.make = make_plain});
}

LIVE_TIMEOUT(file_hash_on_overlay, LIVE_FIRST, 60)
{
	expect_rooted(t, (struct rooted){.make = make_overlay, .options = ""});
}

LIVE_TIMEOUT(file_hash_on_overlay_of_two, LIVE_FIRST, 60)
{
	expect_rooted(t, (struct rooted){.make = make_overlay, .options = "other"});
}

LIVE_TIMEOUT(file_hash_on_overlay_of_two_with_xino, LIVE_FIRST, 60)
{
	expect_rooted(t, (struct rooted){.make = make_overlay, .options = ",xino=on"});
}

LIVE_TIMEOUT(file_hash_on_overlay_of_two_without_xino, LIVE_FIRST, 60)
{
	expect_rooted(t, (struct rooted){.make = make_overlay, .options = ",xino=off"});
}

/* --- bounds and options */

static void expect_last_is_run_end(struct live *t)
{
	live_collect_all(t);
	EXPECT(t->event_cnt > 1);
	EXPECT_STR(t->events[t->event_cnt - 2]->kind, "RUN_END");
	EXPECT_STR(t->events[t->event_cnt - 1]->kind, "SEAL");
}

LIVE_TIMEOUT(file_hash_too_large, LIVE_OWN, 60)
{
	static const char *const args[] = {"--hash-size-limit", "64K", "--hash-rate", "64K", NULL};
	char small[300], large[300], want[LIVE_SHA256_SIZE];
	pid_t pid, pid_large;

	snprintf(small, sizeof(small), "%s/small", t->dir);
	snprintf(large, sizeof(large), "%s/large", t->dir);
	make_program(small, 's', 1000);
	make_program(large, 'l', 64 << 10);
	live_sha256(small, want);
	live_own_sensor(t, args);
	pid = run_program(t, small);
	pid_large = run_program(t, large);
	live_end(t);
	expect_hash(t, small, want, pid);
	expect_joins(t, expect_reason(t, large, "too_large"), pid_large);
	live_sensor_stop(t->sensor);
	expect_last_is_run_end(t);
}

LIVE_TIMEOUT(file_hash_rate_limited, LIVE_OWN, 60)
{
	static const char *const args[] = {"--hash-rate", "64K", NULL};
	char path[2][300], want[LIVE_SHA256_SIZE];
	pid_t pid[2];
	size_t i;

	live_own_sensor(t, args);
	for (i = 0; i < 2; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%zu", t->dir, i);
		make_program(path[i], 'r' + i, 1 << 20);
		pid[i] = run_program(t, path[i]);
	}
	live_sha256(path[0], want);
	live_end(t);
	/* The first is read in advance; that is sixteen seconds' worth. */
	expect_hash(t, path[0], want, pid[0]);
	expect_joins(t, expect_reason(t, path[1], "rate_limited"), pid[1]);
	live_sensor_stop(t->sensor);
}

/* The container lives on, so nothing but the end of the run asks for the answers. */
LIVE_TIMEOUT(file_hash_at_the_end_of_the_run, LIVE_OWN, 60)
{
	static const char *const args[] = {"--heartbeat", "500ms", NULL};
	char path[300], want[LIVE_SHA256_SIZE];
	pid_t pid;

	live_own_sensor(t, args);
	snprintf(path, sizeof(path), "%s/program", t->dir);
	make_program(path, 'e', 20 << 20);
	live_sha256(path, want);
	live_begin(t);
	MUST(kill(t->sensor->pid, SIGSTOP));
	pid = run_program(t, path);
	MUST(kill(t->sensor->pid, SIGTERM));
	MUST(kill(t->sensor->pid, SIGCONT));
	live_sensor_stop(t->sensor);
	expect_last_is_run_end(t);
	expect_hash(t, path, want, pid);
}

LIVE_TIMEOUT(file_hash_off, LIVE_OWN, 60)
{
	static const char *const args[] = {"--hash", "off", NULL};
	char path[300];

	live_own_sensor(t, args);
	snprintf(path, sizeof(path), "%s/program", t->dir);
	make_program(path, 'n', 100);
	run_program(t, path);
	live_end(t);
	live_sensor_stop(t->sensor);
	EXPECT_UINT(live_count(t, "EXEC", 0), 1);
	EXPECT_UINT(live_count(t, "FILE_HASH", 0), 0);
}
