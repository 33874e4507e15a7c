/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live tests: a real system call, in a real cgroup, seen by a real varve-sensor, read back from its
 *log.
 *
 *	LIVE(unlink_by_path, LIVE_FIRST)
 *	{
 *		pid_t pid = live_do(t, remove_it, NULL);
 *
 *		live_end(t);
 *		EXPECT_STR(live_one(t, "UNLINK", pid)->unlink->file->path, "/tmp/x");
 *	}
 *
 * Each test is a process of its own with a container of its own: a cgroup named by a random
 *64-digit id, which is in scope from its making on. live_end() removes the cgroup, waits for the
 *container's closed account and holds every record of it against the laws: gapless numbers,
 *recorded + lost + suppressed = generated. A test that does not hold prints why and ends; a crash
 *is one failure.
 */
#ifndef VARVE_LIVE_HARNESS_H
#define VARVE_LIVE_HARNESS_H

#include "evidence/base.h"
#include "varve.pb-c.h"
#include <string.h>
#include <sys/types.h>

struct bpf_map_info;

/* Which sensor a test is watched by: the runner's, by its --read-opens, or one that it starts
 * itself. */
enum live_sensor_kind { LIVE_FIRST, LIVE_ALL, LIVE_OFF, LIVE_OWN, LIVE_KIND_CNT };

struct live_sensor {
	pid_t pid;
	char log_dir[256];
	char stderr_path[256];
};

/* Memory of a test that its children share: what they say of themselves. */
struct live_shared {
	char why[1024];
	char skip[256];
	char note[256]; /* what an "ok" must not hide */
	char had[512];	/* for a "not ok": what was recorded, and what not */
	char cgroup[64][256]; /* made by the test; the runner removes what it left */
	size_t cgroup_cnt;
	pid_t sensor;	       /* of the test's own */
	uint32_t prog_id[128]; /* BPF programs that it loaded */
	size_t prog_cnt;
	uint64_t value[32];
	char text[8][8192];
};

struct live {
	struct live_sensor *sensor;
	struct live_shared *shared;
	char dir[256]; /* an empty directory, removed afterwards */
	char id[65];   /* of the container */
	char cgroup[256];
	uint64_t cgroup_id;
	uint64_t log_from;	   /* index in the log when the test began */
	Varve__V1__Event **events; /* after live_end: the container's, in order */
	size_t event_cnt;
	bool loss_expected;
	unsigned int wait_s; /* for the closed account; 0: 10 */
};

struct live_test {
	const char *name;
	void (*fn)(struct live *t);
	enum live_sensor_kind sensor;
	unsigned int timeout_s;
};

#define LIVE_TIMEOUT(ident, which, seconds)                                                       \
	static void ident(struct live *t);                                                        \
	static const struct live_test live_test_##ident                                           \
		__attribute__((used, section("live_tests"), aligned(8))) = {#ident, ident, which, \
									    seconds};             \
	static void ident(struct live *t)
#define LIVE(ident, which) LIVE_TIMEOUT(ident, which, 120)

/* --- slow machines: TEST_SLOW=10 makes every limit on time ten times as long, and none of them
 * weaker */

unsigned int live_slow(void);
/* How often to do something: fewer times where it would take minutes. The test's line says so. */
unsigned int live_times(unsigned int usual, unsigned int slow);
/* Sleeps that long, times live_slow(): for what the sensor has to do meanwhile. */
void live_pause_ms(unsigned int ms);

/* A function that `live --helper NAME ARG` runs: for what has to be a program of its own. */
struct live_helper {
	const char *name;
	int (*fn)(const char *arg);
};
#define LIVE_HELPER(ident)                                                                    \
	static int ident(const char *arg);                                                    \
	static const struct live_helper live_helper_##ident                                   \
		__attribute__((used, section("live_helpers"), aligned(8))) = {#ident, ident}; \
	static int ident(const char *arg)

/* --- the container */

/* Makes the container's cgroup; live_do and live_spawn do it when there is none. */
void live_begin(struct live *t);
/* Gives the test an id and notes where the log is; live_begin does it. */
void live_new_id(struct live *t);
/* A cgroup by its path below the hierarchy's mount; fills ret_path with the whole. */
uint64_t live_make_cgroup(struct live *t, const char *name, char ret_path[256]);
/* The cgroup hierarchy that the sensor and the tests take, TEST_CGROUP: v2 where it is mounted, else
 * v1's of pids or memory. */
const char *live_cgroup_hierarchy(void);
const char *live_cgroup_mount(void);
bool live_cgroup_is_v1(void);
/* Skips the test, on v1. */
void live_needs_v2(const char *what);
/* Moves a process; 0: the calling one. */
void live_move(pid_t pid, const char *cgroup);
void live_enter(const char *cgroup);
/* Forks a child that runs fn in the container's cgroup, and ends with 0 when fn returns. */
typedef void (*live_fn)(struct live *t, void *arg);
pid_t live_spawn(struct live *t, live_fn fn, void *arg);
/* A child of the calling process that does nothing until it is killed. */
pid_t live_idle(void);
/* Waits; returns the status of wait(2). */
int live_wait(pid_t pid);
/* live_spawn, live_wait, and the child must have ended with 0. */
pid_t live_do(struct live *t, live_fn fn, void *arg);
/* Removes the cgroup and collects the container's records up to the closed account. */
void live_end(struct live *t);
/* live_end for a container that is not the test's first. */
void live_collect(struct live *t, const char *id);
/* Every record of the log, whomever it is of. */
void live_collect_all(struct live *t);

#define LIVE_SHA256_SIZE 65
/* Of a file, as lower-case hex digits (tests/live/file_hash.c). */
void live_sha256(const char *path, char ret_hex[LIVE_SHA256_SIZE]);

/* --- the records */

/* Records of a kind and, unless it is 0, of a process. */
size_t live_count(const struct live *t, const char *kind, pid_t pid);
/* The only one; fails if there is none or more than one. */
Varve__V1__Event *live_one(const struct live *t, const char *kind, pid_t pid);
/* The n-th, from 0; fails if there are not so many. */
Varve__V1__Event *live_nth(const struct live *t, const char *kind, pid_t pid, size_t n);
/* The account's counts of one class. */
const Varve__V1__ClassCount *live_class(const struct live *t, const char *event_class);

/* A path that was given by name: from user memory, and marked so, in the tracepoint set only. */
void live_expect_name(const Varve__V1__File *file);
/* The same, of a kernel function that has the kernel's copy since Linux 5.MINOR only. */
void live_expect_name_since(const Varve__V1__File *file, int minor);

/* --- sensors of one's own */

/* True if the sensors use the trampoline set: TEST_HOOKS, handed to them as --hooks. */
bool live_trampolines(void);

void live_sensor_start(struct live_sensor *s, const char *dir, const char *const *args);
/* SIGTERM, and the end that it has to come to. */
void live_sensor_stop(struct live_sensor *s);
/* A sensor for this test alone. */
void live_own_sensor(struct live *t, const char *const *args);

/* Waits until the sensor has said so many heartbeats since its start. */
void live_heartbeats(struct live *t, size_t cnt);
/* The runner need not stop it any more. */
void live_sensor_stopped(void);
/* Notes what BPF programs a sensor has loaded. */
void live_sensor_note(struct live_shared *shared, const struct live_sensor *s);
/* A descriptor of the map that the sensor has by that name; the caller closes it. */
int live_sensor_map(const struct live_sensor *s, const char *name, struct bpf_map_info *ret_info);

/* --- leftovers, for the runner */

void live_leaks_note(const struct live_shared *shared);
/* True if something noted is still there; ret_why says what. */
bool live_leaks_find(const char *root_dir, char *ret_why, size_t size);

/* All below, on the same file system; says so if something is left. */
void live_remove_tree(const char *dir);

/* --- saying so */

void live_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void live_skip(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define FAIL(...) live_fail(__FILE__, __LINE__, __VA_ARGS__)
#define EXPECT(cond)                                  \
	do {                                          \
		if (!(cond))                          \
			FAIL("%s", "not so: " #cond); \
	} while (0)
/* A call that must not fail; gives its value. */
#define MUST(call)                                              \
	({                                                      \
		__typeof__(call) _r = (call);                   \
		if (_r == (__typeof__(call))-1)                 \
			FAIL("%s: %s", #call, strerror(errno)); \
		_r;                                             \
	})
#define EXPECT_UINT(got, want)                                                                \
	do {                                                                                  \
		unsigned long long _g = (got), _w = (want);                                   \
		if (_g != _w)                                                                 \
			FAIL("%s is %llu (0x%llx), not %llu (0x%llx)", #got, _g, _g, _w, _w); \
	} while (0)
#define EXPECT_STR(got, want)                                                                     \
	do {                                                                                      \
		const char *_g = (got), *_w = (want);                                             \
		if (!_g || strcmp(_g, _w))                                                        \
			FAIL("%s is \"%.400s\", not \"%.400s\"", #got, _g ? _g : "(absent)", _w); \
	} while (0)
/* An optional field of a message: there, and so. */
#define EXPECT_FIELD(msg, field, want)                      \
	do {                                                \
		if (!(msg)->has_##field)                    \
			FAIL("%s has no %s", #msg, #field); \
		EXPECT_UINT((msg)->field, want);            \
	} while (0)

#endif
