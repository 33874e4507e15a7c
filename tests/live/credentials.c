/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded against /proc/self/status and what the calls returned. */
#include "tests/live/harness.h"
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Of the calling thread; the numbers of a line of its status file. */
static void read_status(const char *key, int base, uint64_t *ret, size_t cnt)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/thread-self/status", "re");
	char line[4096], *at;
	size_t i;

	EXPECT(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':')
			continue;
		at = line + strlen(key) + 1;
		for (i = 0; i < cnt; i++)
			ret[i] = strtoull(at, &at, base);
		return;
	}
	FAIL("no %s in status", key);
}

enum { UID = 0, GID = 4, CAPS = 8, STATUS_CNT = 13 };

/* Real, effective, saved, file system; inheritable, permitted, effective, bounding, ambient. */
static void note_status(struct live *t)
{
	static const char *const caps[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	uint64_t *to = t->shared->value;
	size_t i;

	read_status("Uid", 10, to + UID, 4);
	read_status("Gid", 10, to + GID, 4);
	for (i = 0; i < ARRAY_SIZE(caps); i++)
		read_status(caps[i], 16, to + CAPS + i, 1);
}

static void expect_status(struct live *t, const Varve__V1__CredentialSet *c)
{
	const uint64_t *want = t->shared->value;

	EXPECT_FIELD(c, uid, want[UID]);
	EXPECT_FIELD(c, euid, want[UID + 1]);
	EXPECT_FIELD(c, suid, want[UID + 2]);
	EXPECT_FIELD(c, fsuid, want[UID + 3]);
	EXPECT_FIELD(c, gid, want[GID]);
	EXPECT_FIELD(c, egid, want[GID + 1]);
	EXPECT_FIELD(c, sgid, want[GID + 2]);
	EXPECT_FIELD(c, fsgid, want[GID + 3]);
	EXPECT_FIELD(c, cap_inheritable, want[CAPS]);
	EXPECT_FIELD(c, cap_permitted, want[CAPS + 1]);
	EXPECT_FIELD(c, cap_effective, want[CAPS + 2]);
	EXPECT_FIELD(c, cap_bounding, want[CAPS + 3]);
	EXPECT_FIELD(c, cap_ambient, want[CAPS + 4]);
}

/* The calls themselves: glibc makes them in each thread. */
static void set_ids(struct live *t, void *arg)
{
	(void)arg;
	MUST(syscall(SYS_setregid, 11, 12));
	MUST(syscall(SYS_setresgid, 21, 22, 23));
	MUST(syscall(SYS_setfsgid, 24));
	MUST(syscall(SYS_setreuid, -1, 0));
	EXPECT(syscall(SYS_setfsuid, 31) == 0);
	MUST(syscall(SYS_setresuid, 41, 42, 43));
	EXPECT(syscall(SYS_setuid, 0) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_setgid, 0) < 0 && errno == EPERM);
	note_status(t);
}

LIVE(credentials_ids, LIVE_FIRST)
{
	static const char *const calls[] = {"setregid", "setresgid", "setfsgid", "setreuid",
					    "setfsuid", "setresuid", "setuid",	 "setgid"};
	pid_t pid = live_do(t, set_ids, NULL);
	const Varve__V1__Credentials *c;
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "CREDENTIALS", 0), ARRAY_SIZE(calls));
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		EXPECT_STR(live_nth(t, "CREDENTIALS", pid, i)->credentials->call, calls[i]);
	c = live_nth(t, "CREDENTIALS", pid, 0)->credentials;
	EXPECT_FIELD(c, real_id, 11);
	EXPECT_FIELD(c, effective_id, 12);
	EXPECT(!c->has_saved_id && !c->has_id && !c->has_call_errno);
	EXPECT_FIELD(c->after, gid, 11);
	EXPECT_FIELD(c->after, egid, 12);
	c = live_nth(t, "CREDENTIALS", pid, 1)->credentials;
	EXPECT_FIELD(c, saved_id, 23);
	EXPECT_FIELD(c->after, sgid, 23);
	EXPECT_FIELD(live_nth(t, "CREDENTIALS", pid, 2)->credentials->after, fsgid, 24);
	EXPECT_FIELD(live_nth(t, "CREDENTIALS", pid, 3)->credentials, real_id, UINT32_MAX);
	c = live_nth(t, "CREDENTIALS", pid, 4)->credentials;
	EXPECT_FIELD(c, id, 31);
	EXPECT_FIELD(c->after, fsuid, 31);
	EXPECT(!c->has_call_errno);
	c = live_nth(t, "CREDENTIALS", pid, 5)->credentials;
	EXPECT_FIELD(c, real_id, 41);
	expect_status(t, c->after);
	for (i = 6; i < 8; i++) {
		c = live_nth(t, "CREDENTIALS", pid, i)->credentials;
		EXPECT_FIELD(c, id, 0);
		EXPECT_FIELD(c, call_errno, EPERM);
		expect_status(t, c->after);
	}
}

static void set_groups(struct live *t, void *arg)
{
	gid_t groups[70];
	size_t i;

	(void)arg;
	(void)t;
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		groups[i] = 1000 + i;
	MUST(syscall(SYS_setgroups, 3, groups));
	MUST(syscall(SYS_setgroups, ARRAY_SIZE(groups), groups));
	MUST(syscall(SYS_setgroups, 0, NULL));
	EXPECT(syscall(SYS_setgroups, 3, NULL) < 0 && errno == EFAULT);
}

LIVE(credentials_groups, LIVE_FIRST)
{
	static const size_t counts[] = {3, 70, 0, 3}, kept[] = {3, 64, 0, 0};
	pid_t pid = live_do(t, set_groups, NULL);
	const Varve__V1__Credentials *c;
	size_t i, j;

	live_end(t);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		c = live_nth(t, "CREDENTIALS", pid, i)->credentials;
		EXPECT_STR(c->call, "setgroups");
		EXPECT_FIELD(c, groups_count, counts[i]);
		EXPECT_UINT(c->n_groups, kept[i]);
		for (j = 0; j < kept[i]; j++)
			EXPECT_UINT(c->groups[j], 1000 + j);
	}
	EXPECT_FIELD(c, call_errno, EFAULT);
}

#define CAP_BIT(cap) (1ull << (cap))

static void set_caps(struct live *t, void *arg)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {};

	(void)arg;
	MUST(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0));
	data[0].permitted = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_KILL);
	data[0].effective = data[0].inheritable = CAP_BIT(CAP_KILL);
	MUST(syscall(SYS_capset, &head, data));
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	EXPECT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1);
	MUST(prctl(PR_SET_NAME, "other"));
	note_status(t);
	data[1].permitted = 1u << (CAP_SYSLOG - 32);
	EXPECT(syscall(SYS_capset, &head, data) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_capset, NULL, data) < 0 && errno == EFAULT);
}

LIVE(credentials_capabilities, LIVE_FIRST)
{
	pid_t pid = live_do(t, set_caps, NULL);
	const Varve__V1__Credentials *c;

	live_end(t);
	EXPECT_UINT(live_count(t, "CREDENTIALS", 0), 5);
	c = live_nth(t, "CREDENTIALS", pid, 0)->credentials;
	EXPECT_STR(c->call, "prctl");
	EXPECT_FIELD(c, option, PR_CAPBSET_DROP);
	EXPECT_FIELD(c, argument, CAP_SYS_BOOT);
	EXPECT(!(c->after->cap_bounding & CAP_BIT(CAP_SYS_BOOT)));
	c = live_nth(t, "CREDENTIALS", pid, 1)->credentials;
	EXPECT_STR(c->call, "capset");
	EXPECT_FIELD(c, requested_permitted, CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_KILL));
	EXPECT_FIELD(c, requested_effective, CAP_BIT(CAP_KILL));
	EXPECT_FIELD(c, requested_inheritable, CAP_BIT(CAP_KILL));
	EXPECT_FIELD(c->after, cap_ambient, 0);
	c = live_nth(t, "CREDENTIALS", pid, 2)->credentials;
	EXPECT_FIELD(c, option, PR_CAP_AMBIENT);
	EXPECT_FIELD(c, argument2, CAP_KILL);
	expect_status(t, c->after);
	c = live_nth(t, "CREDENTIALS", pid, 3)->credentials;
	EXPECT_FIELD(c, requested_permitted,
		     CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SYSLOG));
	EXPECT_FIELD(c, call_errno, EPERM);
	expect_status(t, c->after);
	c = live_nth(t, "CREDENTIALS", pid, 4)->credentials;
	EXPECT(!c->has_requested_permitted);
	EXPECT_FIELD(c, call_errno, EFAULT);
}

static void *wait_here(void *arg)
{
	pthread_barrier_wait(arg);
	pthread_barrier_wait(arg);
	return NULL;
}

static void set_uid_with_thread(struct live *t, void *arg)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	(void)t;
	(void)arg;
	pthread_barrier_init(&barrier, NULL, 2);
	EXPECT(!pthread_create(&thread, NULL, wait_here, &barrier));
	pthread_barrier_wait(&barrier);
	MUST(setuid(77));
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
}

/* The kernel knows credentials of threads only; glibc has all of them make the call. */
LIVE(credentials_of_threads, LIVE_FIRST)
{
	pid_t pid = live_do(t, set_uid_with_thread, NULL);
	uint32_t tid[2];
	size_t i;

	live_end(t);
	EXPECT_UINT(live_count(t, "CREDENTIALS", 0), 2);
	for (i = 0; i < 2; i++) {
		const Varve__V1__Event *ev = live_nth(t, "CREDENTIALS", pid, i);

		EXPECT_STR(ev->credentials->call, "setuid");
		EXPECT_FIELD(ev->credentials->after, uid, 77);
		tid[i] = ev->process->tid;
	}
	EXPECT(tid[0] != tid[1] && (tid[0] == (uint32_t)pid || tid[1] == (uint32_t)pid));
}

LIVE_HELPER(say_euid)
{
	_cleanup_fclose_ FILE *f = fopen(arg, "we");

	return !f || fprintf(f, "%u %u\n", getuid(), geteuid()) < 0;
}

static void run_as_nobody(struct live *t, void *arg)
{
	char *program = arg;

	MUST(syscall(SYS_setresuid, 65534, 65534, 65534));
	execl(program, program, "--helper", "say_euid", t->shared->text[0], NULL);
	FAIL("execl: %s", strerror(errno));
}

/* A set-user-id program: what it runs as, and one that is not, which makes no record. */
static void expect_exec(struct live *t, unsigned int mode, unsigned int euid, size_t records)
{
	unsigned int real = 0, effective = 0;
	_cleanup_fclose_ FILE *f = NULL;
	const Varve__V1__Credentials *c;
	char program[300], cmd[800];
	pid_t pid;

	MUST(chmod(t->dir, 0777));
	snprintf(program, sizeof(program), "%s/program", t->dir);
	snprintf(t->shared->text[0], sizeof(t->shared->text[0]), "%s/said", t->dir);
	snprintf(cmd, sizeof(cmd), "cp /proc/%d/exe %s", getpid(), program);
	EXPECT(system(cmd) == 0);
	MUST(chmod(program, mode));
	pid = live_do(t, run_as_nobody, program);
	f = fopen(t->shared->text[0], "re");
	EXPECT(f && fscanf(f, "%u %u", &real, &effective) == 2);
	EXPECT_UINT(real, 65534);
	if (effective != euid)
		live_skip("%s is mounted nosuid", t->dir);
	live_end(t);
	EXPECT_UINT(live_count(t, "CREDENTIALS", pid), records);
	if (records < 2)
		return;
	c = live_nth(t, "CREDENTIALS", pid, 1)->credentials;
	EXPECT_STR(c->call, "exec");
	EXPECT_FIELD(c->after, uid, 65534);
	EXPECT_FIELD(c->after, euid, euid);
	EXPECT(c->after->cap_effective & CAP_BIT(CAP_SETUID));
	/* It is told of the program that it is about, whose EXEC comes before it. */
	EXPECT_STR(live_nth(t, "CREDENTIALS", pid, 1)->process->exe_path, program);
	EXPECT(live_one(t, "EXEC", pid)->sequence < live_nth(t, "CREDENTIALS", pid, 1)->sequence);
}

LIVE(credentials_set_uid_program, LIVE_FIRST)
{
	expect_exec(t, 04755, 0, 2);
}

LIVE(credentials_plain_program, LIVE_FIRST)
{
	expect_exec(t, 0755, 65534, 1);
}

/* A system call of a 32-bit program. */
static long call_32(unsigned int nr, unsigned int a, unsigned int b, unsigned int c)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(nr), "b"(a), "c"(b), "d"(c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

#define NR32_setuid16	 23
#define NR32_setresuid32 208

static void set_ids_32(struct live *t, void *arg)
{
	(void)arg;
	t->shared->value[20] = call_32(NR32_setresuid32, 51, 0, 52) == 0;
	t->shared->value[21] = call_32(NR32_setuid16, 61, 0, 0) == 0;
	note_status(t);
}

/*
 * The 16-bit call is served by no probe. So to commit_creds() it is what an exploit is: a call that
 * changes credentials and is not known to do so.
 */
LIVE(credentials_of_kernel, LIVE_FIRST)
{
	pid_t pid = live_do(t, set_ids_32, NULL);
	const Varve__V1__Credentials *c;

	live_end(t);
	if (!t->shared->value[20] || !t->shared->value[21])
		live_skip("the kernel has no 32-bit calls");
	c = live_nth(t, "CREDENTIALS", pid, 0)->credentials;
	EXPECT_STR(c->call, "setresuid");
	EXPECT_FIELD(c, real_id, 51);
	EXPECT_FIELD(c, saved_id, 52);
	EXPECT_FIELD(c->after, uid, 51);
	EXPECT_UINT(live_count(t, "CREDENTIALS", 0), live_trampolines() ? 2 : 1);
	if (!live_trampolines())
		return;
	EXPECT_FIELD(live_nth(t, "CREDENTIALS", pid, 1)->process, uid, 51); /* before */
	c = live_nth(t, "CREDENTIALS", pid, 1)->credentials;
	EXPECT(!c->call);
	EXPECT_FIELD(c, within_syscall, NR32_setuid16);
	EXPECT_FIELD(c, within_32_bit, 1);
	expect_status(t, c->after);
}
