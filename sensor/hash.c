/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hash.h"
#include "evidence/diag.h"
#include "evidence/digest.h"
#include "evidence/event.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/emit.h"
#include "sensor/events/fill.h"
#include "sensor/hash_roots.h"
#include "sensor/hash_table.h"
#include "sensor/hash_worker.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define SAID_LIMIT    16384 /* files of containers whose last FILE_HASH is remembered */
#define EARLY_LIMIT   256   /* descriptors of programs that the queue holds */
#define FINISH_NS     (2 * NSEC_PER_SEC)
#define NOFILE_WANTED 4096

/* Which file of a record, and in which mount namespace: offsets, 0: none, or not said. */
static const struct {
	uint16_t file, namespaces;
	bool is_exe; /* what the process runs from then on */
} kinds[EV_KIND_END] = {
	[EV_EXEC] = {offsetof(struct ev_exec, exe), offsetof(struct ev_exec, ns), true},
	[EV_PROCESS_SNAPSHOT] = {offsetof(struct ev_process_snapshot, exe),
				 offsetof(struct ev_process_snapshot, ns), true},
	[EV_MODULE] = {offsetof(struct ev_module, file), 0, false},
};

struct hash {
	struct emit *emit;
	struct container_table *containers;
	const char *host_root;
	uint64_t size_limit;
	struct hash_roots *roots;
	struct hash_worker *worker;
	struct hash_table *said;
	bool stuck;
};

/* What the last FILE_HASH of a file in a container said. */
struct said {
	uint32_t outcome;
	uint32_t pad0;
	int64_t ctime_ns;
	uint64_t size;
	uint8_t digest[HASH_LEN];
};

/* Held descriptors come on top of what the sensor needs otherwise. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= NOFILE_WANTED)
		return;
	limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)NOFILE_WANTED);
	setrlimit(RLIMIT_NOFILE, &limit);
}

int hash_open(const struct conf *conf, struct emit *e, struct container_table *containers,
	      struct hash **ret_hash)
{
	struct hash_limits limits = {.file_bytes = conf->hash_size_bytes,
				     .bytes_per_second = conf->hash_rate_bytes,
				     .queue = HASH_QUEUE_LIMIT};
	struct hash *h;
	int err;

	*ret_hash = NULL;
	if (conf->hash == CONF_HASH_OFF)
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->emit = e;
	h->containers = containers;
	h->host_root = conf->host_root;
	h->size_limit = conf->hash_size_bytes;
	allow_descriptors();
	err = hash_table_new(SAID_LIMIT, sizeof(struct said), &h->said);
	if (!err)
		err = hash_roots_new(HASH_ROOTS_LIMIT, &h->roots);
	if (!err)
		err = hash_worker_start(&limits, h->roots, &h->worker);
	if (err) {
		hash_close(h);
		return log_err(err, "cannot start the hashing of files");
	}
	*ret_hash = h;
	return 0;
}

void hash_close(struct hash *h)
{
	if (!h)
		return;
	if (!h->worker || hash_worker_stop(h->worker))
		hash_roots_free(h->roots);
	else
		log_warn("a file that was to be hashed does not answer: its file system hangs");
	hash_table_free(h->said);
	free(h);
}

/* --- what is said */

static char *hex(struct arena *arena, const uint8_t digest[HASH_LEN])
{
	char *text = arena_alloc(arena, DIGEST_HEX_SIZE);

	if (text)
		digest_hex(digest, text);
	return text;
}

static int fill_answer(const struct hash_request *r, const struct hash_source *source,
		       struct arena *arena, Varve__V1__FileHash *out)
{
	out->sha256 = hex(arena, r->digest);
	if (!out->sha256)
		return -ENOMEM;
	SET(out, change_time_unix_nano, r->stat.ctime_ns);
	if (!hash_is_unchanged(&r->stat, source->unix_ns, false))
		SET(out, changed_after, 1);
	if (r->cached)
		SET(out, cached, 1);
	return 0;
}

static int emit_hash(struct hash *h, const struct hash_request *r, const struct hash_source *source,
		     enum hash_outcome outcome)
{
	struct container *c = container_table_find(h->containers, r->container);
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	struct arena *arena = &h->emit->arena;
	Varve__V1__FileHash *out;
	int err;

	if (r->container && !c) /* closed already: nothing may follow its account */
		return -ENOENT;
	arena_reset(arena);
	err = NEW_BODY(arena, &ev, FILE_HASH, file_hash, out);
	if (!err)
		err = fill_file_at(&r->file, r->file.flags & EV_FILE_HAS_PATH ? r->path : NULL,
				   r->path_len, arena, &out->file);
	if (!err && outcome == HASH_DONE)
		err = fill_answer(r, source, arena, out);
	if (err)
		return err;
	out->reason = (char *)hash_outcome_name(outcome);
	if (outcome == HASH_UNREADABLE)
		SET(out, error_errno, r->err);
	out->event_kind = (char *)event_kind_name(source->kind);
	SET(out, event_boot_time_nano, source->time_ns);
	out->process_uid = (char *)source->process_uid;
	return emit_event(h->emit, &ev, c);
}

static struct hash_key key_of(const struct hash_request *r)
{
	return (struct hash_key){{r->container, r->target.dev, r->target.ino}};
}

static void say(struct hash *h, const struct hash_request *r, const struct hash_source *source,
		enum hash_outcome outcome)
{
	struct said now = {.outcome = outcome}, *before;
	struct hash_key key = key_of(r);

	if (outcome == HASH_DONE) {
		now.ctime_ns = r->stat.ctime_ns;
		now.size = r->stat.size;
		memcpy(now.digest, r->digest, HASH_LEN);
	}
	before = hash_table_find(h->said, &key);
	if ((before && !memcmp(before, &now, sizeof(now))) || emit_hash(h, r, source, outcome))
		return;
	*(struct said *)hash_table_put(h->said, &key) = now;
}

/* Of several events the first may have been of other content than the last. */
static void answered(struct hash *h, const struct hash_request *r)
{
	const struct hash_source *source = &r->first;

	if (r->outcome == HASH_DONE && !hash_is_unchanged(&r->stat, r->first.unix_ns, r->held)) {
		say(h, r, source, HASH_CHANGED);
		source = &r->last;
	}
	say(h, r, source, r->outcome);
}

static void answered_all(struct hash *h, struct hash_request *list)
{
	struct hash_request *next;

	for (; list; list = next) {
		next = list->next;
		answered(h, list);
		hash_request_free(list);
	}
}

void hash_collect(struct hash *h)
{
	if (!h)
		return;
	answered_all(h, hash_worker_take(h->worker));
	h->stuck = hash_worker_is_stuck(h->worker, emit_boot_ns());
	if (h->stuck)
		answered_all(h, hash_worker_give_up(h->worker, NULL, HASH_TIMED_OUT));
}

/* --- what is asked */

static void fill_source(struct hash *h, const struct ev_hdr *hdr, const char *process_uid,
			struct hash_source *ret)
{
	*ret = (struct hash_source){
		.time_ns = hdr->time_ns,
		.unix_ns = (int64_t)hdr->time_ns + h->emit->clock_offset_ns,
		.start_ns = hdr->task.start_ns,
		.pid = hdr->task.tgid,
		.kind = hdr->kind,
	};
	snprintf(ret->process_uid, sizeof(ret->process_uid), "%s", process_uid);
}

static bool is_known(struct hash *h, const struct hash_request *r)
{
	struct hash_key key = key_of(r);
	const struct said *said = hash_table_find(h->said, &key);

	return said && said->outcome == HASH_DONE;
}

/* While it lives: by the time the worker comes to it a process may be gone, and its file nameless.
 */
static void hold(struct hash *h, struct hash_request *r)
{
	bool needs_root =
		r->container && !hash_roots_has(h->roots, r->container, HASH_ROOT_PROCESS);
	bool needs_exe =
		r->is_exe && !is_known(h, r) && hash_worker_backlog(h->worker) < EARLY_LIMIT;
	_cleanup_close_ int dir = -1;
	int fd;

	if (!needs_root && !needs_exe)
		return;
	dir = hash_open_process(r->first.pid, r->first.start_ns);
	if (dir < 0)
		return;
	if (needs_exe)
		r->exe_fd = openat(dir, "exe", O_PATH | O_CLOEXEC);
	fd = needs_root ? openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0)
		hash_roots_hold(h->roots, r->container, HASH_ROOT_PROCESS, fd, r->first.pid);
}

static void ask(struct hash *h, struct hash_request *r)
{
	r->outcome = HASH_QUEUE_FULL;
	if (r->file.size > h->size_limit) {
		r->outcome = HASH_TOO_LARGE;
	} else if (h->stuck) {
		r->outcome = HASH_TIMED_OUT;
	} else {
		hold(h, r);
		if (hash_worker_put(h->worker, r))
			return;
	}
	say(h, r, &r->first, r->outcome);
	hash_request_free(r);
}

void hash_record(struct hash *h, const struct record *rec, uint64_t container,
		 const char *process_uid)
{
	const char *base = (const char *)rec->hdr, *path = NULL;
	const struct ev_namespaces *ns;
	const struct ev_file *file;
	struct hash_request *r;

	if (!h || !kinds[rec->hdr->kind].file)
		return;
	file = (const void *)(base + kinds[rec->hdr->kind].file);
	if (!(file->flags & EV_FILE_HAS_INODE))
		return;
	if (file->flags & EV_FILE_HAS_PATH)
		path = record_bytes(rec, &file->path);
	if (hash_request_new(path ? path : "", path ? file->path.len : 0, &r))
		return;
	r->container = container;
	r->file = *file;
	r->target = (struct hash_target){.ino = file->ino, .dev = file->dev};
	r->is_exe = kinds[rec->hdr->kind].is_exe;
	r->queued_ns = emit_boot_ns();
	ns = (const void *)(base + kinds[rec->hdr->kind].namespaces);
	if (kinds[rec->hdr->kind].namespaces && ns->obtained)
		r->mnt_ns = ns->mnt;
	fill_source(h, rec->hdr, process_uid, &r->first);
	r->last = r->first;
	ask(h, r);
}

/* --- containers, and the end */

void hash_container(struct hash *h, uint64_t container, const char *bundle)
{
	int fd;

	if (!h || !bundle)
		return;
	fd = hash_roots_open_bundle(h->host_root, bundle);
	if (fd >= 0)
		hash_roots_hold(h->roots, container, HASH_ROOT_BUNDLE, fd, 0);
}

bool hash_is_pending(struct hash *h, uint64_t container)
{
	return h && hash_worker_is_pending(h->worker, &container);
}

void hash_container_gone(struct hash *h, uint64_t container)
{
	if (!h)
		return;
	hash_collect(h);
	answered_all(h, hash_worker_give_up(h->worker, &container, HASH_TIMED_OUT));
	hash_collect(h);
	hash_roots_forget(h->roots, container);
}

void hash_finish(struct hash *h)
{
	uint64_t until_ns = emit_boot_ns() + FINISH_NS;

	if (!h)
		return;
	for (hash_collect(h); hash_worker_is_pending(h->worker, NULL) && emit_boot_ns() < until_ns;
	     hash_collect(h))
		usleep(2000);
	answered_all(h, hash_worker_give_up(h->worker, NULL, HASH_RUN_ENDED));
	hash_collect(h);
}
