/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table is short: what is in it waits for the main loop's next turns only. It has no lock,
 * since the main loop could be made to wait for a CPU while it holds it.
 */
#include "sensor/births.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/privileges.h"
#include "sensor/record.h"
#include "sensor/ring.h"

#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define BIRTHS_MAX   256
#define TURN_RECORDS 64
/*
 * At most a tenth of a CPU, but at once; a container takes some 0.1 ms. The deadline is the
 * period's end: who has an earlier one and is woken behind it has to wait for the next period.
 */
#define CPU_NS	      (2 * NSEC_PER_MSEC)
#define CPU_PERIOD_NS (20 * NSEC_PER_MSEC)
#define NICE	      (-10)
#define STOP_WAIT_S   3

enum birth_state { BIRTH_FREE, BIRTH_BUSY, BIRTH_KEPT };

struct birth {
	_Atomic uint32_t state;
	_Atomic uint64_t cgroup_id;
	uint64_t order; /* the thread's alone */
	struct container_metadata meta;
};

struct births {
	struct ring *ring;
	char *root;
	int ring_fd, stop_fd;
	pthread_t thread;
	uint64_t next_order;
	struct birth birth[BIRTHS_MAX];
};

/* Its working directory is the bundle only if the maker is a runtime; systemd, say, makes cgroups
 * for others. */
static bool is_runtime(const char comm[EV_COMM_LEN])
{
#define IS(runtime) || !strncmp(comm, runtime, EV_COMM_LEN)
	return false EV_RUNTIMES(IS);
#undef IS
}

int births_bundle(const struct record *rec, char *ret_dir, size_t ret_size)
{
	const struct ev_container_start *ev = (const void *)rec->hdr;
	const char *args = ev->maker_args.off ? record_bytes(rec, &ev->maker_args) : NULL;
	const char *cwd = ev->maker_cwd.path.off ? record_bytes(rec, &ev->maker_cwd.path) : NULL;

	if (!args || !is_runtime(rec->hdr->task.comm))
		return -ENOENT;
	return container_bundle_from_args(args, ev->maker_args.len, cwd ? cwd : "", ret_dir,
					  ret_size);
}

static bool claim(struct birth *birth)
{
	uint32_t kept = BIRTH_KEPT;

	return atomic_compare_exchange_strong(&birth->state, &kept, BIRTH_BUSY);
}

static void release(struct birth *birth, uint32_t state)
{
	atomic_store(&birth->state, state);
}

/* A free place, or that of the oldest, which nobody came for; it is the caller's then. */
static struct birth *place_for(struct births *b)
{
	struct birth *birth, *oldest;

	do {
		oldest = &b->birth[0];
		for (birth = b->birth; birth < b->birth + BIRTHS_MAX; birth++) {
			if (atomic_load(&birth->state) == BIRTH_FREE)
				return birth;
			if (birth->order < oldest->order)
				oldest = birth;
		}
	} while (!claim(oldest)); /* the main loop takes it: it is free at once */
	return oldest;
}

static void keep(struct births *b, uint64_t cgroup_id, const struct container_metadata *meta)
{
	struct birth *birth = place_for(b);

	atomic_store(&birth->cgroup_id, cgroup_id);
	birth->order = b->next_order++;
	birth->meta = *meta;
	release(birth, BIRTH_KEPT);
}

bool births_take(struct births *b, uint64_t cgroup_id, struct container_metadata *ret_meta)
{
	struct birth *birth;

	for (birth = b ? b->birth : NULL; b && birth < b->birth + BIRTHS_MAX; birth++) {
		if (atomic_load(&birth->cgroup_id) != cgroup_id || !claim(birth))
			continue;
		/* It may have become another's in between. */
		if (atomic_load(&birth->cgroup_id) != cgroup_id) {
			release(birth, BIRTH_KEPT);
			continue;
		}
		*ret_meta = birth->meta;
		release(birth, BIRTH_FREE);
		return true;
	}
	return false;
}

/* What is odd about a record is the main loop's to count: it gets the same one. */
static void born(const void *data, size_t len, void *ctx)
{
	const struct ev_container_start *ev;
	struct container_metadata meta = {};
	struct births *b = ctx;
	struct cgroup_identity id;
	struct record rec;
	char bundle[4096];
	const char *path;
	bool found;

	if (record_check(data, len, &rec) || rec.hdr->kind != EV_CONTAINER_START)
		return;
	ev = (const void *)rec.hdr;
	path = record_bytes(&rec, &ev->cgroup_path);
	if (!path || container_parse_cgroup(path, true, &id))
		return;
	found = !births_bundle(&rec, bundle, sizeof(bundle));
	if (!container_read_metadata(b->root, &id, found ? bundle : NULL, &meta))
		keep(b, rec.hdr->cgroup_id, &meta);
}

/* The kernel's struct sched_attr, whose header collides with older C libraries' own. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/*
 * Where sessions or control groups share the CPUs a nice value says nothing beyond one's own; a
 * deadline does, and is a bound at the same time. It is refused to who may not use all CPUs.
 * Without the right to either this thread is as good as any other.
 */
static void hurry(void)
{
	struct scheduling attr = {.size = sizeof(attr),
				  .policy = SCHED_DEADLINE,
				  .runtime_ns = CPU_NS,
				  .deadline_ns = CPU_PERIOD_NS,
				  .period_ns = CPU_PERIOD_NS};

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		setpriority(PRIO_PROCESS, gettid(), NICE);
}

static void *run(void *ctx)
{
	struct births *b = ctx;
	struct pollfd fds[] = {{.fd = b->ring_fd, .events = POLLIN},
			       {.fd = b->stop_fd, .events = POLLIN}};

	hurry();
	privileges_keep(privileges_of_births());
	while (!fds[1].revents) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		ring_turn(b->ring, TURN_RECORDS, born, b);
		ring_commit(b->ring);
	}
	return NULL;
}

static void births_free(struct births *b)
{
	ring_close(b->ring);
	cleanup_close(&b->stop_fd);
	free(b->root);
	free(b);
}

static int start_thread(struct births *b)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&b->thread, NULL, run, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int births_open(int ring_fd, const char *root, struct births **ret_births)
{
	struct births *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->ring_fd = ring_fd;
	b->stop_fd = eventfd(0, EFD_CLOEXEC);
	b->root = strdup(root ? root : "");
	err = b->stop_fd < 0 ? -errno : b->root ? ring_open(&ring_fd, 1, &b->ring) : -ENOMEM;
	if (!err)
		err = start_thread(b);
	if (err) {
		births_free(b);
		return log_err(err, "cannot start the thread that reads new containers' names");
	}
	*ret_births = b;
	return 0;
}

void births_close(struct births *b)
{
	struct timespec ts;

	if (!b)
		return;
	eventfd_write(b->stop_fd, 1);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += STOP_WAIT_S;
	/* A file system that does not answer holds it: then it goes with the process. */
	if (!pthread_timedjoin_np(b->thread, NULL, &ts))
		births_free(b);
}
