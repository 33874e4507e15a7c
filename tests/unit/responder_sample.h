/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence as a sensor would leave it, for the responder's tests: builds records, keeps them in
 * memory, and gives them as a source, or writes them into a log directory.
 */
#ifndef VARVE_TESTS_RESPONDER_SAMPLE_H
#define VARVE_TESTS_RESPONDER_SAMPLE_H

#include "evidence/base.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "responder/history.h"
#include "responder/source.h"
#include <assert.h>
#include <ftw.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define SAMPLE_T0   1795204800000000000LL /* 2026-11-20T20:00:00Z */
#define SAMPLE_SEC  1000000000LL
#define SAMPLE_ID   "4b2e9f12ac0111111111111111111111111111111111111111111111111111aa"
#define SAMPLE_ID2  "4b2e9f12bd0222222222222222222222222222222222222222222222222222bb"
#define SAMPLE_RUN  "10000000-0000-4000-8000-000000000001"
#define SAMPLE_RUN2 "20000000-0000-4000-8000-000000000002"
#define SAMPLE_POD  "aaaaaaaa-0000-4000-8000-000000000001"

struct sample_item {
	uint8_t *payload; /* NULL: damage */
	size_t len;
	unsigned int partition;
	bool at_tail, is_leaf;
};

struct sample_container {
	const char *id, *name, *state, *cgroup_path;
	const char *pod_uid, *pod_name; /* NULL: the one that all have */
	bool in_pod, is_sandbox;
	uint64_t stream_sequence, counts[4]; /* process, file, network, container */
};

struct sample {
	struct source source; /* first: the sample is a source */
	struct sample_item *items;
	size_t cnt, at;
	size_t hide_from; /* next pass ends here; SIZE_MAX: not */
	const char *run;
	uint64_t sequence, node_sequence;
	int64_t now_ns;	   /* time of the next record; each takes a second */
	int64_t booted_ns; /* by the wall clock of now; 0: records have no boot time */
	unsigned int partition;
	bool drop; /* the next record is numbered and not kept */
};

/* One record and all that it points to. */
struct sample_event {
	Varve__V1__Event ev;
	Varve__V1__Container container;
	Varve__V1__Pod pod;
	Varve__V1__Process process;
	Varve__V1__ParentProcess parent;
	Varve__V1__KernelNumber number;
	struct sample_container *c;
	char uid[UUID_LEN + 1], parent_uid[UUID_LEN + 1];
};

#define SAMPLE_SET(msg, field, value) ((msg)->has_##field = 1, (msg)->field = (value))

static inline int sample_next(struct source *source, struct source_item *ret_item)
{
	struct sample *s = (struct sample *)source;

	if (s->at >= s->cnt || s->at >= s->hide_from) {
		*ret_item = (struct source_item){.what = SOURCE_END};
		return 0;
	}
	const struct sample_item *item = &s->items[s->at++];

	*ret_item = (struct source_item){
		.what = item->is_leaf	? SOURCE_LEAF
			: item->payload ? SOURCE_RECORD
					: SOURCE_DAMAGE,
		.payload = item->payload,
		.len = item->len,
		.partition = item->partition,
		.where = "00000000000000000000.seg, offset 99, 7 bytes",
		.at_tail = item->at_tail,
	};
	return 0;
}

static inline int sample_rewind(struct source *source)
{
	((struct sample *)source)->at = 0;
	return 0;
}

static inline void sample_close(struct source *source)
{
	(void)source;
}

static inline void sample_init(struct sample *s)
{
	static const struct source_type type = {
		.next = sample_next, .rewind = sample_rewind, .close = sample_close};

	*s = (struct sample){.source.type = &type,
			     .run = SAMPLE_RUN,
			     .now_ns = SAMPLE_T0,
			     .hide_from = SIZE_MAX};
}

static inline void sample_fini(struct sample *s)
{
	for (size_t i = 0; i < s->cnt; i++)
		free(s->items[i].payload);
	free(s->items);
}

static inline struct sample_item *sample_push(struct sample *s)
{
	s->items = reallocarray(s->items, s->cnt + 1, sizeof(*s->items));
	assert(s->items);
	s->items[s->cnt] = (struct sample_item){.partition = s->partition};
	return &s->items[s->cnt++];
}

static inline void sample_damage(struct sample *s)
{
	sample_push(s);
}

/* The hash of a record that is not there; which one nobody compares. */
static inline void sample_leaf(struct sample *s)
{
	sample_push(s)->is_leaf = true;
}

static inline void sample_garbage(struct sample *s, const void *bytes, size_t len)
{
	struct sample_item *item = sample_push(s);

	item->payload = malloc(len + 1);
	assert(item->payload);
	memcpy(item->payload, bytes, len);
	item->len = len;
}

static inline void sample_uid(unsigned int pid, char ret_uid[UUID_LEN + 1])
{
	snprintf(ret_uid, UUID_LEN + 1, "cccccccc-0000-8000-8000-%012x", pid);
}

static inline void sample_fill_container(struct sample_event *e, struct sample_container *c)
{
	varve__v1__container__init(&e->container);
	varve__v1__pod__init(&e->pod);
	e->c = c;
	e->ev.container = &e->container;
	e->container.id = (char *)c->id;
	e->container.runtime = (char *)"containerd";
	e->container.metadata_state = (char *)(c->state ? c->state : "RESOLVED");
	if (c->state)
		return;
	e->container.name = (char *)c->name;
	if (c->is_sandbox)
		SAMPLE_SET(&e->container, is_sandbox, 1);
	e->container.image = (char *)"docker.io/library/busybox:1.36";
	if (!c->in_pod)
		return;
	e->ev.pod = &e->pod;
	e->pod.uid = (char *)(c->pod_uid ? c->pod_uid : SAMPLE_POD);
	e->pod.name = (char *)(c->pod_name ? c->pod_name : "web-7f9");
	e->pod.namespace_ = (char *)"default";
}

/* The envelope; the kind's number is also the body's tag. c NULL: a record of the node. */
static inline void sample_begin(struct sample *s, struct sample_event *e,
				struct sample_container *c, unsigned int kind)
{
	memset(e, 0, sizeof(*e));
	varve__v1__event__init(&e->ev);
	e->ev.kind = (char *)event_kind_name(kind);
	e->ev.body_case = (int)kind;
	SAMPLE_SET(&e->ev, sequence, s->sequence++);
	SAMPLE_SET(&e->ev, time_unix_nano, s->now_ns);
	if (s->booted_ns)
		SAMPLE_SET(&e->ev, boot_time_nano, (uint64_t)(s->now_ns - s->booted_ns));
	e->ev.run_id = (char *)s->run;
	e->ev.node_name = (char *)"worker-1";
	e->ev.stream = (char *)(c ? c->id : "node");
	SAMPLE_SET(&e->ev, stream_sequence, c ? c->stream_sequence++ : s->node_sequence++);
	s->now_ns += SAMPLE_SEC;
	if (c)
		sample_fill_container(e, c);
}

static inline void sample_process(struct sample_event *e, unsigned int pid, unsigned int parent,
				  const char *name)
{
	varve__v1__process__init(&e->process);
	varve__v1__parent_process__init(&e->parent);
	e->ev.process = &e->process;
	sample_uid(pid, e->uid);
	sample_uid(parent, e->parent_uid);
	e->process.process_uid = e->uid;
	SAMPLE_SET(&e->process, pid, pid);
	SAMPLE_SET(&e->process, ns_pid, pid % 100);
	SAMPLE_SET(&e->process, euid, 0);
	e->process.name = (char *)name;
	e->process.parent = &e->parent;
	e->parent.process_uid = e->parent_uid;
	SAMPLE_SET(&e->parent, pid, parent);
	e->parent.name = (char *)(parent == 3990 ? "containerd-shim" : "sh");
}

/* As the kernel side numbers it: the container's account grows. */
static inline void sample_number(struct sample_event *e)
{
	static const char *const classes[] = {"process", "file", "network", "container"};

	varve__v1__kernel_number__init(&e->number);
	e->ev.kernel_number = &e->number;
	e->number.event_class = (char *)event_kind_class(e->ev.body_case);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i], e->number.event_class))
			SAMPLE_SET(&e->number, number, e->c->counts[i]++);
}

static inline void sample_put(struct sample *s, const struct sample_event *e)
{
	if (s->drop) {
		s->drop = false;
		return;
	}
	struct sample_item *item = sample_push(s);

	item->len = varve__v1__event__get_packed_size(&e->ev);
	item->payload = malloc(item->len);
	assert(item->payload);
	varve__v1__event__pack(&e->ev, item->payload);
}

/* hook NULL: all are attached; else this one is not. */
static inline void sample_coverage(struct sample *s, const char *hook)
{
	Varve__V1__Coverage body = VARVE__V1__COVERAGE__INIT;
	Varve__V1__Hook h = VARVE__V1__HOOK__INIT, *pointer = &h;
	struct sample_event e;

	h.name = (char *)(hook ? hook : "exec");
	h.error = (char *)(hook ? "No such process" : NULL);
	SAMPLE_SET(&h, attached, !hook);
	body.hooks = &pointer;
	body.n_hooks = 1;
	sample_begin(s, &e, NULL, 29);
	e.ev.coverage = &body;
	sample_put(s, &e);
}

static inline void sample_run_start_only(struct sample *s, const char *previous,
					 int64_t not_watched_since_ns)
{
	Varve__V1__RunStart body = VARVE__V1__RUN_START__INIT;
	struct sample_event e;

	SAMPLE_SET(&body, watched_since_unix_nano, s->now_ns);
	body.previous_run_id = (char *)previous;
	if (previous)
		SAMPLE_SET(&body, not_watched_since_unix_nano, not_watched_since_ns);
	sample_begin(s, &e, NULL, 27);
	e.ev.run_start = &body;
	sample_put(s, &e);
}

/* Both are of the same time. */
static inline void sample_run_start(struct sample *s, const char *previous,
				    int64_t not_watched_since_ns)
{
	int64_t now_ns = s->now_ns;

	sample_run_start_only(s, previous, not_watched_since_ns);
	s->now_ns = now_ns;
	sample_coverage(s, NULL);
}

static inline void sample_run_end(struct sample *s)
{
	Varve__V1__RunEnd body = VARVE__V1__RUN_END__INIT;
	struct sample_event e;

	SAMPLE_SET(&body, watched_until_unix_nano, s->now_ns);
	body.reason = (char *)"SIGTERM";
	sample_begin(s, &e, NULL, 28);
	e.ev.run_end = &body;
	sample_put(s, &e);
}

static inline void sample_heartbeat_of(struct sample *s, bool canary)
{
	Varve__V1__Heartbeat body = VARVE__V1__HEARTBEAT__INIT;
	struct sample_event e;

	SAMPLE_SET(&body, canary, canary);
	sample_begin(s, &e, NULL, 30);
	e.ev.heartbeat = &body;
	sample_put(s, &e);
}

static inline void sample_heartbeat(struct sample *s)
{
	sample_heartbeat_of(s, true);
}

/* Of a container's pod: what the sensor knows of it. */
static inline void sample_pod_state(struct sample *s, struct sample_container *c, bool ended,
				    const char *workload)
{
	Varve__V1__PodState body = VARVE__V1__POD_STATE__INIT;
	Varve__V1__PodOwner owner = VARVE__V1__POD_OWNER__INIT;
	struct sample_event e;

	SAMPLE_SET(&body, ended, ended);
	sample_begin(s, &e, NULL, 72);
	sample_fill_container(&e, c);
	e.ev.container = NULL;
	e.ev.pod_state = &body;
	SAMPLE_SET(&body, first_unix_nano, e.ev.time_unix_nano - (ended ? 10 * SAMPLE_SEC : 0));
	SAMPLE_SET(&body, last_unix_nano, e.ev.time_unix_nano);
	owner.kind = (char *)"Deployment";
	owner.name = (char *)workload;
	if (workload) {
		e.pod.api_state = (char *)"KNOWN";
		e.pod.workload = &owner;
	}
	sample_put(s, &e);
}

static inline void sample_start(struct sample *s, struct sample_container *c, bool from_snapshot)
{
	Varve__V1__ContainerStart body = VARVE__V1__CONTAINER_START__INIT;
	struct sample_event e;

	body.cgroup_path = (char *)(c && c->cgroup_path ? c->cgroup_path : "/kubepods/x");
	sample_begin(s, &e, c, 19);
	e.ev.container_start = &body;
	if (from_snapshot)
		SAMPLE_SET(&body, from_snapshot, 1);
	else if (c)
		sample_number(&e);
	sample_process(&e, 3980, 1, "runc");
	sample_put(s, &e);
}

static inline void sample_stop(struct sample *s, struct sample_container *c)
{
	Varve__V1__ContainerStop body = VARVE__V1__CONTAINER_STOP__INIT;
	struct sample_event e;

	sample_begin(s, &e, c, 20);
	e.ev.container_stop = &body;
	sample_number(&e);
	sample_put(s, &e);
}

static inline void sample_fork(struct sample *s, struct sample_container *c, unsigned int pid,
			       unsigned int parent, const char *name)
{
	Varve__V1__Fork body = VARVE__V1__FORK__INIT;
	struct sample_event e;

	sample_begin(s, &e, c, 16);
	e.ev.fork = &body;
	sample_process(&e, pid, parent, name);
	if (!strncmp(name, "runc", 4))
		SAMPLE_SET(&e.process, runtime_setup, 1);
	sample_number(&e);
	sample_put(s, &e);
}

static inline void sample_exec(struct sample *s, struct sample_container *c, unsigned int pid,
			       unsigned int parent, const char *path, const char *args, bool upper)
{
	Varve__V1__Exec body = VARVE__V1__EXEC__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;
	char *argv[16];
	size_t argc = 0;
	_cleanup_free_ char *copy = strdup(args);

	for (char *p = strtok(copy, "|"); p && argc < ARRAY_SIZE(argv); p = strtok(NULL, "|"))
		argv[argc++] = p;
	file.path = (char *)path;
	if (upper)
		SAMPLE_SET(&file, overlay_upper, 1);
	body.file = &file;
	body.args = argv;
	body.n_args = argc;
	sample_begin(s, &e, c, 17);
	e.ev.exec = &body;
	sample_process(&e, pid, parent, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	sample_number(&e);
	sample_put(s, &e);
}

static inline void sample_exit(struct sample *s, struct sample_container *c, unsigned int pid,
			       unsigned int parent, int code, int sig)
{
	Varve__V1__Exit body = VARVE__V1__EXIT__INIT;
	struct sample_event e;

	if (sig)
		SAMPLE_SET(&body, signal, sig);
	else
		SAMPLE_SET(&body, code, code);
	sample_begin(s, &e, c, 18);
	e.ev.exit = &body;
	sample_process(&e, pid, parent, "sh");
	sample_number(&e);
	sample_put(s, &e);
}

enum sample_how { SAMPLE_READ, SAMPLE_WRITE, SAMPLE_CREATE };

static inline void sample_open_file(struct sample *s, struct sample_container *c, unsigned int pid,
				    const char *path, enum sample_how how)
{
	Varve__V1__Open body = VARVE__V1__OPEN__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	file.path = (char *)path;
	body.file = &file;
	SAMPLE_SET(&body, written, how != SAMPLE_READ);
	SAMPLE_SET(&body, created, how == SAMPLE_CREATE);
	sample_begin(s, &e, c, 21);
	e.ev.open = &body;
	sample_process(&e, pid, 3990, "sh");
	sample_number(&e);
	sample_put(s, &e);
}

static inline void sample_connect(struct sample *s, struct sample_container *c, unsigned int pid,
				  const char *outcome, bool completion)
{
	Varve__V1__Connect body = VARVE__V1__CONNECT__INIT;
	Varve__V1__Endpoint to = VARVE__V1__ENDPOINT__INIT;
	struct sample_event e;

	to.ip = (char *)"192.0.2.7";
	SAMPLE_SET(&to, port, 4444);
	body.destination = &to;
	body.protocol = (char *)"tcp";
	body.outcome = (char *)outcome;
	if (!strcmp(outcome, "failed"))
		SAMPLE_SET(&body, call_errno, ECONNREFUSED);
	if (completion)
		SAMPLE_SET(&body, completion, 1);
	sample_begin(s, &e, c, 24);
	e.ev.connect = &body;
	sample_process(&e, pid, 3990, "sh");
	sample_number(&e);
	sample_put(s, &e);
}

static inline void sample_loss(struct sample *s, struct sample_container *c,
			       const char *event_class, uint64_t count, int64_t first_ns,
			       int64_t last_ns)
{
	Varve__V1__Loss body = VARVE__V1__LOSS__INIT;
	struct sample_event e;

	body.event_class = (char *)event_class;
	body.cause = (char *)"ring_full";
	SAMPLE_SET(&body, count, count);
	SAMPLE_SET(&body, first_unix_nano, first_ns);
	SAMPLE_SET(&body, last_unix_nano, last_ns);
	sample_begin(s, &e, c, 31);
	e.ev.loss = &body;
	sample_put(s, &e);
}

/* recorded is what was numbered; the rest as given, of the file class. */
static inline void sample_account(struct sample *s, struct sample_container *c, bool closed,
				  uint64_t file_lost, uint64_t file_suppressed)
{
	static const char *const classes[] = {"process", "file", "network", "container"};
	Varve__V1__Account body = VARVE__V1__ACCOUNT__INIT;
	Varve__V1__ClassCount counts[4], *pointers[4];
	struct sample_event e;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		varve__v1__class_count__init(&counts[i]);
		pointers[i] = &counts[i];
		counts[i].event_class = (char *)classes[i];
		SAMPLE_SET(&counts[i], recorded, c->counts[i]);
		SAMPLE_SET(&counts[i], lost, i == 1 ? file_lost : 0);
		SAMPLE_SET(&counts[i], suppressed, i == 1 ? file_suppressed : 0);
		SAMPLE_SET(&counts[i], generated,
			   counts[i].recorded + counts[i].lost + counts[i].suppressed);
	}
	body.counts = pointers;
	body.n_counts = ARRAY_SIZE(pointers);
	SAMPLE_SET(&body, closed, closed);
	sample_begin(s, &e, c, 34);
	e.ev.account = &body;
	sample_put(s, &e);
}

/* A small intrusion, whole: 14 records of the container. */
static inline void sample_life(struct sample *s, struct sample_container *c)
{
	sample_start(s, c, false);
	sample_fork(s, c, 4201, 3990, "runc:[2:INIT]");
	sample_exec(s, c, 4201, 3990, "/bin/sh", "sh|-c|cp /bin/id /tmp/x; /tmp/x", false);
	sample_open_file(s, c, 4201, "/etc/hosts", SAMPLE_READ);
	sample_open_file(s, c, 4201, "/run/secrets/token", SAMPLE_READ);
	sample_open_file(s, c, 4201, "/tmp/x", SAMPLE_CREATE);
	sample_fork(s, c, 4202, 4201, "sh");
	sample_exec(s, c, 4202, 4201, "/tmp/x", "/tmp/x|--go", true);
	sample_connect(s, c, 4202, "in_progress", false);
	sample_connect(s, c, 4202, "connected", true);
	sample_exit(s, c, 4202, 4201, 0, 9);
	sample_exit(s, c, 4201, 3990, 3, 0);
	sample_stop(s, c);
	sample_account(s, c, true, 0, 0);
}

/* A run with one container's whole life in it. */
static inline void sample_story(struct sample *s, struct sample_container *c)
{
	sample_run_start(s, NULL, 0);
	sample_life(s, c);
	sample_heartbeat(s);
	sample_run_end(s);
}

static inline struct history *sample_load(struct sample *s, int64_t since_ns, int64_t until_ns)
{
	const struct history_window window = {since_ns, until_ns};
	struct history *h;

	s->at = 0;
	assert_int_equal(history_load(&s->source, &window, &h), 0);
	return h;
}

/* As the sensor marks the outline. */
static inline void sample_mark(struct log *log, const struct sample_item *item, char *seen)
{
	Varve__V1__Event *ev = event_decode(item->payload, item->len);
	_cleanup_free_ char *key = NULL;

	if (ev && ev->container)
		assert(asprintf(&key, "\n%llu %s %s\n", (unsigned long long)log_segment(log),
				ev->run_id, ev->container->id) > 0);
	if (ev && (event_is_of_outline(ev->body_case) || (key && !strstr(seen, key))))
		log_mark(log);
	if (key && !strstr(seen, key))
		strcat(seen, key);
	varve__v1__event__free_unpacked(ev, NULL);
}

static inline void sample_write_log(const struct sample *s, const char *dir, uint64_t segment_bytes)
{
	const struct log_opts opts = {.segment_bytes = segment_bytes, .limit_bytes = 1 << 30};
	struct log_recovery recovery;
	struct log *log;

	assert_int_equal(log_open(dir, &opts, &log, &recovery), 0);
	_cleanup_free_ char *seen = calloc(s->cnt + 1, 160);

	for (size_t i = 0; i < s->cnt; i++) {
		assert_int_equal(log_append(log, s->items[i].payload, s->items[i].len, NULL), 0);
		sample_mark(log, &s->items[i], seen);
	}
	log_close(log);
}

static inline int sample_remove_one(const char *path, const struct stat *st, int flag,
				    struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void sample_remove_dir(const char *dir)
{
	nftw(dir, sample_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
