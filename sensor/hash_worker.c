/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hash_worker.h"
#include "evidence/diag.h"
#include "sensor/emit.h"
#include "sensor/hash_roots.h"
#include "sensor/hash_table.h"
#include "sensor/privileges.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define NICE	    10
#define READ_TRIES  3
#define IOPRIO_IDLE (3 << 13) /* IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0) */
#define STOP_WAIT_S 1

struct list {
	struct hash_request *first, **end;
	size_t cnt;
};

struct hash_worker {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, up to the next blank line */
	pthread_cond_t wake;
	struct list queue, done;
	struct hash_request *current;
	bool abandoned; /* nobody waits for the current one any more */

	atomic_bool stop;
	atomic_ullong alive_ns; /* boot time of its last step, 0: it has nothing to do */
	struct hash_limits limits;
	struct hash_roots *roots;
	/* The thread's own. */
	struct hash_table *cache;
	struct {
		int root_fd;
		uint32_t mnt_ns;
	} node[2];     /* pid 1's and the sensor's own: in a pod they are not the same */
	double budget; /* bytes; below 0: read in advance */
	uint64_t budget_ns;
};

/* --- requests */

int hash_request_new(const char *path, size_t path_len, struct hash_request **ret_request)
{
	struct hash_request *r = calloc(1, sizeof(*r) + path_len + 1);

	if (!r)
		return -ENOMEM;
	r->exe_fd = -1;
	r->path_len = path_len;
	memcpy(r->path, path, path_len);
	*ret_request = r;
	return 0;
}

void hash_request_free(struct hash_request *r)
{
	if (r)
		cleanup_close(&r->exe_fd);
	free(r);
}

static void list_init(struct list *l)
{
	*l = (struct list){.end = &l->first};
}

static void list_add(struct list *l, struct hash_request *r)
{
	r->next = NULL;
	*l->end = r;
	l->end = &r->next;
	l->cnt++;
}

static struct hash_request *list_take(struct list *l)
{
	struct hash_request *r = l->first;

	if (!r)
		return NULL;
	l->first = r->next;
	if (!l->first)
		l->end = &l->first;
	l->cnt--;
	return r;
}

static void list_free(struct list *l)
{
	struct hash_request *r;

	while ((r = list_take(l)))
		hash_request_free(r);
}

/* --- looking */

struct look {
	struct hash_worker *w;
	struct hash_request *r;
	int roots[HASH_ROOT_CNT];
	uint32_t pids[2]; /* whose mounts are known: the event's process, the root's */
	enum hash_outcome outcome;
	int fd;
};

/* Keeps the descriptor if it is the file; else the most telling of what was found. */
static bool consider(struct look *l, int fd, int beside_fd, enum hash_outcome if_other)
{
	enum hash_outcome outcome = hash_verify(fd, beside_fd, &l->r->target, l->pids, &l->r->stat);

	if (outcome == HASH_DONE) {
		l->outcome = outcome;
		l->fd = fd;
		return true;
	}
	if (outcome == HASH_UNVERIFIED)
		l->outcome = outcome;
	else if (outcome == HASH_CHANGED && l->outcome != HASH_UNVERIFIED)
		l->outcome = if_other == HASH_CHANGED ? if_other : l->outcome;
	return false;
}

/* While the process lives it holds its program, whatever became of the name. */
static bool look_at_process(struct look *l)
{
	const struct hash_source *last = &l->r->last;
	_cleanup_close_ int dir = -1, exe = TAKE_FD(l->r->exe_fd);
	size_t i;

	if (exe < 0) {
		dir = hash_open_process(last->pid, last->start_ns);
		exe = dir < 0 ? -1 : openat(dir, "exe", O_PATH | O_CLOEXEC);
	}
	for (i = 0; exe >= 0 && i < HASH_ROOT_CNT; i++) {
		if (i && l->roots[i] < 0)
			break;
		/* It may have made another exec by now: that says nothing. */
		if (!consider(l, exe, l->roots[i], HASH_GONE))
			continue;
		exe = -1;
		l->r->held = true;
		return true;
	}
	return false;
}

static bool look_below(struct look *l, int root_fd, enum hash_outcome if_other)
{
	_cleanup_close_ int fd = -1;

	if (root_fd < 0 || l->r->path[0] != '/')
		return false;
	fd = hash_open_below(root_fd, l->r->path);
	if (fd < 0 || !consider(l, fd, root_fd, if_other))
		return false;
	fd = -1;
	return true;
}

/* For what runs in no mount namespace of its own. */
static bool look_at_node(struct look *l)
{
	uint32_t mnt_ns = l->r->mnt_ns;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(l->w->node); i++) {
		if (mnt_ns ? mnt_ns != l->w->node[i].mnt_ns : l->r->container != 0)
			continue;
		if (look_below(l, l->w->node[i].root_fd, HASH_CHANGED))
			return true;
	}
	return false;
}

/* A bundle's root lacks the container's other mounts: another file there says nothing. */
static bool look_at_paths(struct look *l)
{
	if (look_below(l, l->roots[HASH_ROOT_PROCESS], HASH_CHANGED))
		return true;
	l->r->root_missed = l->roots[HASH_ROOT_PROCESS] >= 0;
	return look_below(l, l->roots[HASH_ROOT_BUNDLE], HASH_GONE) || look_at_node(l);
}

static enum hash_outcome find_file(struct hash_worker *w, struct hash_request *r, int *ret_fd)
{
	struct look l = {.w = w, .r = r, .outcome = HASH_GONE, .fd = -1};
	size_t i;

	l.pids[0] = r->last.pid;
	hash_roots_copy(w->roots, r->container, l.roots, &l.pids[1]);
	if ((r->is_exe && look_at_process(&l)) || look_at_paths(&l))
		*ret_fd = l.fd;
	for (i = 0; i < HASH_ROOT_CNT; i++)
		cleanup_close(&l.roots[i]);
	if (l.outcome == HASH_DONE && !hash_is_unchanged(&r->stat, r->last.unix_ns, r->held))
		l.outcome = HASH_CHANGED;
	return l.outcome;
}

/* --- the bounds */

static void refill(struct hash_worker *w, uint64_t now_ns)
{
	double more = (double)(now_ns - w->budget_ns) / NSEC_PER_SEC * w->limits.bytes_per_second;

	w->budget_ns = now_ns;
	w->budget += more;
	if (w->budget > w->limits.bytes_per_second)
		w->budget = w->limits.bytes_per_second;
}

static void sleep_until(struct hash_worker *w, uint64_t until_ns, uint64_t now_ns)
{
	struct timespec ts;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ns = ts.tv_nsec + (until_ns - now_ns);
	ts.tv_sec += ns / NSEC_PER_SEC;
	ts.tv_nsec = ns % NSEC_PER_SEC;
	pthread_mutex_lock(&w->lock);
	if (!atomic_load(&w->stop))
		pthread_cond_timedwait(&w->wake, &w->lock, &ts);
	pthread_mutex_unlock(&w->lock);
}

/* A file may be larger than what is left: the next one pays for it. */
static bool spend(struct hash_worker *w, const struct hash_request *r)
{
	uint64_t deadline = r->queued_ns + HASH_PATIENCE_NS, now, wait_ns;

	while (refill(w, now = emit_boot_ns()), w->budget <= 0) {
		wait_ns = (1 - w->budget) / w->limits.bytes_per_second * NSEC_PER_SEC + 1;
		if (now + wait_ns > deadline || atomic_load(&w->stop))
			return false;
		sleep_until(w, now + wait_ns, now);
		atomic_store(&w->alive_ns, emit_boot_ns());
	}
	w->budget -= r->stat.size;
	return true;
}

/* --- a request */

static struct hash_key key_of(const struct hash_request *r)
{
	return (struct hash_key){
		{r->target.dev, r->target.ino, (uint64_t)r->stat.ctime_ns, r->stat.size}};
}

/* A name more or less, while it is read, says nothing against what its process holds. */
static enum hash_outcome read_settled(struct hash_worker *w, struct hash_request *r, int fd)
{
	enum hash_outcome outcome;
	struct hash_stat after;
	int tries;

	for (tries = 0; tries < READ_TRIES; tries++) {
		/* Again: the next one pays for it. */
		if (tries)
			w->budget -= r->stat.size;
		else if (!spend(w, r))
			return atomic_load(&w->stop) ? HASH_RUN_ENDED : HASH_RATE_LIMITED;
		outcome =
			hash_read(fd, &r->stat, &w->stop, &w->alive_ns, r->digest, &after, &r->err);
		if (outcome != HASH_CHANGED || !r->held || !hash_is_same_content(&r->stat, &after))
			return outcome;
		r->stat = after;
	}
	return HASH_CHANGED;
}

static enum hash_outcome compute(struct hash_worker *w, struct hash_request *r, int fd)
{
	struct hash_key key = key_of(r);
	const uint8_t *known = hash_table_find(w->cache, &key);
	enum hash_outcome outcome;

	if (known) {
		memcpy(r->digest, known, HASH_LEN);
		r->cached = true;
		return HASH_DONE;
	}
	if (r->stat.size > w->limits.file_bytes)
		return HASH_TOO_LARGE;
	outcome = read_settled(w, r, fd);
	key = key_of(r); /* as it was read */
	if (outcome == HASH_DONE)
		memcpy(hash_table_put(w->cache, &key), r->digest, HASH_LEN);
	return outcome;
}

static void work(struct hash_worker *w, struct hash_request *r)
{
	_cleanup_close_ int fd = -1;

	r->outcome = find_file(w, r, &fd);
	if (r->outcome == HASH_DONE)
		r->outcome = compute(w, r, fd);
	/* The root was a process's that had another one, or that had not entered its own yet. */
	if (r->root_missed)
		hash_roots_drop(w->roots, r->container, HASH_ROOT_PROCESS);
}

static void be_humble(void)
{
	pid_t tid = syscall(SYS_gettid);

	setpriority(PRIO_PROCESS, tid, NICE);
	syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, tid, IOPRIO_IDLE);
	pthread_setname_np(pthread_self(), "varve-hash");
}

static void *run(void *arg)
{
	struct hash_worker *w = arg;
	struct hash_request *r;

	be_humble();
	privileges_keep(privileges_of_hash());
	pthread_mutex_lock(&w->lock);
	while (!atomic_load(&w->stop)) {
		r = w->current = list_take(&w->queue);
		if (!r) {
			atomic_store(&w->alive_ns, 0);
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		atomic_store(&w->alive_ns, emit_boot_ns());
		pthread_mutex_unlock(&w->lock);
		work(w, r);
		pthread_mutex_lock(&w->lock);
		w->current = NULL;
		if (w->abandoned)
			hash_request_free(r);
		else
			list_add(&w->done, r);
		w->abandoned = false;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- for the main loop */

static void open_node_roots(struct hash_worker *w)
{
	static const char *const paths[] = {"/proc/1/root", "/"};
	static const char *const namespaces[] = {"/proc/1/ns/mnt", "/proc/self/ns/mnt"};
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(w->node); i++) {
		w->node[i].root_fd = open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (!stat(namespaces[i], &st))
			w->node[i].mnt_ns = st.st_ino;
	}
}

static int start_thread(struct hash_worker *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void worker_free(struct hash_worker *w)
{
	list_free(&w->queue);
	list_free(&w->done);
	hash_table_free(w->cache);
	cleanup_close(&w->node[0].root_fd);
	cleanup_close(&w->node[1].root_fd);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int hash_worker_start(const struct hash_limits *limits, struct hash_roots *roots,
		      struct hash_worker **ret_worker)
{
	struct hash_worker *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int err;

	if (!w)
		return -ENOMEM;
	w->limits = *limits;
	w->roots = roots;
	w->budget = limits->bytes_per_second;
	w->budget_ns = emit_boot_ns();
	list_init(&w->queue);
	list_init(&w->done);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	open_node_roots(w);
	err = hash_table_new(HASH_CACHE_LIMIT, HASH_LEN, &w->cache);
	if (!err)
		err = start_thread(w);
	if (err) {
		worker_free(w);
		return err;
	}
	*ret_worker = w;
	return 0;
}

bool hash_worker_stop(struct hash_worker *w)
{
	struct timespec ts;

	pthread_mutex_lock(&w->lock);
	atomic_store(&w->stop, true);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += STOP_WAIT_S;
	if (pthread_timedjoin_np(w->thread, NULL, &ts))
		return false;
	worker_free(w);
	return true;
}

static bool is_same_file(const struct hash_request *a, const struct hash_request *b)
{
	return a->container == b->container && a->target.ino == b->target.ino &&
	       a->target.dev == b->target.dev && a->file.size == b->file.size &&
	       a->is_exe == b->is_exe;
}

/* Of one file only the first and the last event matter. */
static bool merge(struct list *queue, struct hash_request *r)
{
	struct hash_request *q;

	for (q = queue->first; q; q = q->next) {
		if (!is_same_file(q, r))
			continue;
		q->last = r->last;
		if (q->exe_fd < 0)
			q->exe_fd = TAKE_FD(r->exe_fd);
		hash_request_free(r);
		return true;
	}
	return false;
}

bool hash_worker_put(struct hash_worker *w, struct hash_request *r)
{
	bool took = true;

	pthread_mutex_lock(&w->lock);
	if (!merge(&w->queue, r)) {
		took = w->queue.cnt + w->done.cnt < w->limits.queue;
		if (took)
			list_add(&w->queue, r);
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return took;
}

struct hash_request *hash_worker_take(struct hash_worker *w)
{
	struct hash_request *done;

	pthread_mutex_lock(&w->lock);
	done = w->done.first;
	list_init(&w->done);
	pthread_mutex_unlock(&w->lock);
	return done;
}

static bool is_of(const struct hash_request *r, const uint64_t *container)
{
	return !container || r->container == *container;
}

static bool is_in(const struct list *l, const uint64_t *container)
{
	const struct hash_request *r;

	for (r = l->first; r; r = r->next)
		if (is_of(r, container))
			return true;
	return false;
}

bool hash_worker_is_pending(struct hash_worker *w, const uint64_t *container)
{
	bool pending;

	pthread_mutex_lock(&w->lock);
	pending = is_in(&w->queue, container) || is_in(&w->done, container) ||
		  (w->current && !w->abandoned && is_of(w->current, container));
	pthread_mutex_unlock(&w->lock);
	return pending;
}

/* The worker goes on with it; what its answer would have told is told without. What the worker
 * writes meanwhile is not copied. */
static struct hash_request *copy_request(const struct hash_request *r)
{
	struct hash_request *copy;

	if (hash_request_new(r->path, r->path_len, &copy))
		return NULL;
	copy->container = r->container;
	copy->target = r->target;
	copy->file = r->file;
	copy->first = r->first;
	copy->last = r->last;
	return copy;
}

static void give_up_one(struct list *to, struct hash_request *r, enum hash_outcome outcome)
{
	r->outcome = outcome;
	list_add(to, r);
}

struct hash_request *hash_worker_give_up(struct hash_worker *w, const uint64_t *container,
					 enum hash_outcome outcome)
{
	struct hash_request *r, *copy = NULL;
	struct list all, given;

	list_init(&given);
	pthread_mutex_lock(&w->lock);
	if (w->current && !w->abandoned && is_of(w->current, container)) {
		w->abandoned = true;
		copy = copy_request(w->current);
	}
	if (copy)
		give_up_one(&given, copy, outcome);
	all = w->queue;
	if (!all.first)
		all.end = &all.first;
	list_init(&w->queue);
	while ((r = list_take(&all))) {
		if (is_of(r, container))
			give_up_one(&given, r, outcome);
		else
			list_add(&w->queue, r);
	}
	pthread_mutex_unlock(&w->lock);
	return given.first;
}

size_t hash_worker_backlog(struct hash_worker *w)
{
	size_t cnt;

	pthread_mutex_lock(&w->lock);
	cnt = w->queue.cnt;
	pthread_mutex_unlock(&w->lock);
	return cnt;
}

bool hash_worker_is_stuck(struct hash_worker *w, uint64_t now_ns)
{
	uint64_t alive_ns = atomic_load(&w->alive_ns);

	return alive_ns && now_ns > alive_ns + HASH_STUCK_NS;
}
