/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/emit.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/container.h"
#include "sensor/events/fill.h"
#include "sensor/pods.h"
#include <sys/random.h>
#include <time.h>

/* A record of the kernel's is at most 60 KiB; text that is not UTF-8 grows threefold and its raw
 * bytes come beside it. */
#define ARENA_SIZE (2u << 20)

static void make_uuid(char ret_uuid[UUID_LEN + 1])
{
	uint8_t r[16];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		abort(); /* cannot fail for so few bytes once the kernel's pool is ready */
	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	uuid_format(r, ret_uuid);
}

int emit_init(struct emit *e, struct log *log, const char *node_name)
{
	*e = (struct emit){.log = log, .node_name = node_name, .buf_size = LOG_FRAME_MAX};
	e->buf = malloc(e->buf_size);
	if (!e->buf)
		return -ENOMEM;
	make_uuid(e->run_id);
	emit_sync_clock(e);
	return arena_init(&e->arena, ARENA_SIZE);
}

void emit_fini(struct emit *e)
{
	arena_fini(&e->arena);
	free(e->buf);
	e->buf = NULL;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

uint64_t emit_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

void emit_sync_clock(struct emit *e)
{
	/* The two are read one after the other; the mean of before and after takes out half of the
	 * way. */
	uint64_t before = emit_boot_ns(), wall = clock_ns(CLOCK_REALTIME), after = emit_boot_ns();

	e->clock_offset_ns = (int64_t)(wall - before - (after - before) / 2);
}

static int fill_container(struct emit *e, Varve__V1__Event *ev, const struct container *c)
{
	static const char *const states[] = {
		[CONTAINER_PENDING] = "PENDING",
		[CONTAINER_RESOLVED] = "RESOLVED",
		[CONTAINER_UNRESOLVED] = "UNRESOLVED",
	};
	Varve__V1__Container *out = arena_alloc(&e->arena, sizeof(*out));

	if (!out)
		return -ENOMEM;
	varve__v1__container__init(out);
	out->id = (char *)c->id.container_id;
	if (c->id.runtime[0])
		out->runtime = (char *)c->id.runtime;
	if (c->meta.name[0])
		out->name = (char *)c->meta.name;
	if (c->meta.image[0])
		out->image = (char *)c->meta.image;
	if (c->meta.is_sandbox)
		SET(out, is_sandbox, 1);
	out->metadata_state = (char *)states[c->state];
	SET(out, cgroup_id, c->cgroup_id);
	ev->container = out;
	return 0;
}

static int fill_owner(struct emit *e, const struct kube_owner *o, Varve__V1__PodOwner **ret_owner)
{
	Varve__V1__PodOwner *out;

	if (!o->kind[0])
		return 0;
	out = arena_alloc(&e->arena, sizeof(*out));
	if (!out)
		return -ENOMEM;
	varve__v1__pod_owner__init(out);
	out->kind = (char *)o->kind;
	out->name = (char *)o->name;
	if (o->concluded)
		SET(out, concluded, 1);
	*ret_owner = out;
	return 0;
}

/* What the API server adds. */
static int fill_pod_api(struct emit *e, const struct pod *p, Varve__V1__Pod *out)
{
	static const char *const states[] = {[POD_API_PENDING] = "PENDING",
					     [POD_API_KNOWN] = "KNOWN",
					     [POD_API_UNRESOLVED] = "UNRESOLVED"};
	int err;

	out->api_state = (char *)states[p->api];
	if (p->api != POD_API_KNOWN)
		return 0;
	err = fill_owner(e, &p->owner, &out->owner);
	return err ? err : fill_owner(e, &p->workload, &out->workload);
}

static int fill_pod(struct emit *e, Varve__V1__Event *ev, const char *uid, const char *name,
		    const char *namespace_, const struct pod *p)
{
	Varve__V1__Pod *out = arena_alloc(&e->arena, sizeof(*out));

	if (!out)
		return -ENOMEM;
	varve__v1__pod__init(out);
	if (uid[0])
		out->uid = (char *)uid;
	if (name[0])
		out->name = (char *)name;
	if (namespace_[0])
		out->namespace_ = (char *)namespace_;
	ev->pod = out;
	return p ? fill_pod_api(e, p, out) : 0;
}

int emit_set_pod(struct emit *e, Varve__V1__Event *ev, const struct pod *p)
{
	return fill_pod(e, ev, p->uid, p->name, p->namespace_, p);
}

static int fill_pod_of(struct emit *e, Varve__V1__Event *ev, const struct container *c)
{
	const char *uid = c->meta.pod_uid[0] ? c->meta.pod_uid : c->id.pod_uid;

	if (!uid[0] && !c->meta.pod_name[0])
		return 0;
	/* Of a runtime that says no name the API server may know it. */
	if (!c->meta.pod_name[0] && c->pod)
		return emit_set_pod(e, ev, c->pod);
	return fill_pod(e, ev, uid, c->meta.pod_name, c->meta.pod_namespace, c->pod);
}

static int fill_envelope(struct emit *e, Varve__V1__Event *ev, struct container *c)
{
	int err = 0;

	if (!ev->has_boot_time_nano)
		SET(ev, boot_time_nano, emit_boot_ns());
	SET(ev, time_unix_nano, (int64_t)ev->boot_time_nano + e->clock_offset_ns);
	SET(ev, sequence, e->sequence);
	SET(ev, schema_version, VARVE_SCHEMA_VERSION);
	SET(ev, stream_sequence, c ? c->stream_sequence : e->node_stream_sequence);
	ev->kind = (char *)event_kind_name(ev->body_case);
	ev->run_id = e->run_id;
	ev->node_name = (char *)e->node_name;
	ev->stream = (char *)(c ? c->id.container_id : "node");
	if (c)
		err = fill_container(e, ev, c);
	return err || !c ? err : fill_pod_of(e, ev, c);
}

/* The outline has the first record of each container in each segment: who is in it at all. */
static void mark_outline(struct emit *e, const Varve__V1__Event *ev, struct container *c)
{
	uint64_t segment = log_segment(e->log) + 1; /* 0: none yet */

	if (event_is_of_outline(ev->body_case) || (c && c->outline_segment != segment))
		log_mark(e->log);
	if (c)
		c->outline_segment = segment;
}

/* True: another record has begun a new segment before this one. */
static bool begin_segment(struct emit *e, size_t len)
{
	void (*before)(void *ctx) = e->before_segment;

	/* A segment that cannot be begun is tried again with the record, not with one seal after the other. */
	if (!before || !log_rolls_for(e->log, len) || log_roll(e->log))
		return false;
	e->before_segment = NULL; /* for what it emits itself */
	before(e->before_segment_ctx);
	e->before_segment = before;
	return true;
}

int emit_event(struct emit *e, Varve__V1__Event *ev, struct container *c)
{
	int err = fill_envelope(e, ev, c);
	size_t len;

	if (!err) {
		len = varve__v1__event__get_packed_size(ev);
		err = len > e->buf_size ? -EMSGSIZE
					: room_take(&e->room, e->log, ev->body_case, len);
	}
	/* Its sequence, which may be longer, is another one then. A seal begins a segment itself. */
	if (!err && ev->body_case != VARVE__V1__EVENT__BODY_SEAL && begin_segment(e, len)) {
		err = fill_envelope(e, ev, c);
		if (!err && varve__v1__event__get_packed_size(ev) > e->buf_size)
			err = -EMSGSIZE;
	}
	if (!err) {
		len = varve__v1__event__pack(ev, e->buf);
		/* That what is ours found room in the buffer does not say that the log can be written. */
		err = room_is_own(ev->body_case)
			      ? log_append_spare(e->log, e->buf, len, NULL)
			      : (e->append_err = log_append(e->log, e->buf, len, NULL));
	}
	if (err) {
		e->failed_cnt++;
		return err;
	}
	mark_outline(e, ev, c);
	tree_leaf_hash(e->buf, len, &e->leaf);
	tree_add(&e->tree, &e->leaf);
	e->sequence++;
	if (!c) {
		e->node_stream_sequence++;
	} else {
		c->stream_sequence++;
		c->pending_records += c->state == CONTAINER_PENDING;
	}
	return 0;
}
