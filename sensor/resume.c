/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/resume.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/container.h"
#include "sensor/intake.h"
#include "sensor/probes.h"
#include "sensor/recall.h"
#include "sensor/streams.h"
#include "sensor/taken.h"
#include <string.h>

/* --- books */

static void take_up(uint64_t cgroup_id, const struct book *book, void *ctx)
{
	struct intake *in = ctx;

	if (streams_take_up(in->streams, cgroup_id, book))
		log_warn("no memory for the book of cgroup %llu", (unsigned long long)cgroup_id);
	else if (book->container == cgroup_id && *book->cgroup_path)
		intake_register(in, cgroup_id, book->cgroup_path, NULL);
}

/* --- the log behind them */

static int class_named(const char *name)
{
	for (int c = 0; name && c < EV_CLASS_CNT; c++)
		if (!strcmp(event_class_name(c), name))
			return c;
	return -1;
}

static void replay_number(struct taken *taken, struct intake *in, const Varve__V1__KernelNumber *n,
			  uint64_t index)
{
	int ev_class = class_named(n->event_class);

	if (ev_class < 0)
		return;
	streams_replay_record(in->streams, n->cgroup_id, n->cpu, ev_class, n->number, index);
	taken_add(taken, &(struct taken_number){n->cgroup_id, n->number, n->cpu, ev_class});
}

static int cause_named(const char *name)
{
	for (unsigned int i = 0; name && i < STREAMS_CAUSE_CNT; i++)
		if (!strcmp(streams_cause_name(i), name))
			return i;
	return -1;
}

static int reason_named(const char *name)
{
	for (unsigned int i = 0; name && i < EV_SUPPRESS_CNT; i++)
		if (!strcmp(streams_reason_name(i), name))
			return i;
	return -1;
}

static void replay_loss(struct intake *in, const Varve__V1__Loss *loss, uint64_t index)
{
	int ev_class = class_named(loss->event_class), cause = cause_named(loss->cause);
	struct streams_finding f = {.cgroup_id = loss->cgroup_id,
				    .ev_class = ev_class,
				    .cause = cause,
				    .count = loss->count};

	/* Without a cgroup it is of no numbers. */
	if (loss->has_cgroup_id && ev_class >= 0 && cause >= 0)
		streams_replay_finding(in->streams, &f, index);
}

static void replay_suppression(struct intake *in, const Varve__V1__Suppression *s, uint64_t index)
{
	int ev_class = class_named(s->event_class), reason = reason_named(s->reason);
	struct streams_finding f = {.cgroup_id = s->cgroup_id,
				    .ev_class = ev_class,
				    .suppressed = true,
				    .reason = reason,
				    .count = s->count};

	if (s->has_cgroup_id && ev_class >= 0 && reason >= 0)
		streams_replay_finding(in->streams, &f, index);
}

/* The container's own cgroup, not one in it. */
static void replay_start(struct intake *in, const Varve__V1__Event *ev)
{
	const Varve__V1__ContainerStart *start = ev->container_start;

	if (ev->container && !start->nested_cgroup && start->cgroup_path)
		intake_register(in, ev->container->cgroup_id, start->cgroup_path, NULL);
}

static void replay_account(struct intake *in, const Varve__V1__Event *ev)
{
	if (!ev->container || !ev->account->closed)
		return;
	streams_forget(in->streams, ev->container->cgroup_id, in->probes);
	container_table_remove(in->containers, ev->container->cgroup_id);
}

/* One in a container's own cgroup began since the books were kept. */
static void replay_place(struct intake *in, const Varve__V1__Event *ev)
{
	if (ev->container && ev->container->has_cgroup_id)
		streams_bind(in->streams, ev->kernel_number->cgroup_id, ev->container->cgroup_id);
}

static void replay(struct taken *taken, struct intake *in, const Varve__V1__Event *ev,
		   uint64_t index)
{
	if (ev->kernel_number) {
		replay_number(taken, in, ev->kernel_number, index);
		replay_place(in, ev);
	}
	if (ev->body_case == VARVE__V1__EVENT__BODY_LOSS)
		replay_loss(in, ev->loss, index);
	else if (ev->body_case == VARVE__V1__EVENT__BODY_SUPPRESSION)
		replay_suppression(in, ev->suppression, index);
	else if (ev->body_case == VARVE__V1__EVENT__BODY_CONTAINER_START)
		replay_start(in, ev);
	else if (ev->body_case == VARVE__V1__EVENT__BODY_ACCOUNT)
		replay_account(in, ev);
}

/* True if the record is one of that run, or the first of the next. */
static bool is_of_run(const Varve__V1__Event *ev, const char *run_id)
{
	const char *previous = ev->body_case == VARVE__V1__EVENT__BODY_RUN_START
				       ? ev->run_start->previous_run_id
				       : NULL;

	return !strcmp(ev->run_id, run_id) || (previous && !strcmp(previous, run_id));
}

static int replay_log(struct taken *taken, struct intake *in, const char *dir, uint64_t end,
		      bool *ret_known)
{
	const struct ev_shared *shared = probes_shared(in->probes);
	uint64_t from = shared->booked_index;
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;
	int err = log_reader_open(dir, from ? from - 1 : 0, &reader);

	*ret_known = false;
	if (err)
		return err;
	while (((err = log_reader_next(reader, &payload, &len, &pos)) == 1 || err == -EBADMSG)) {
		Varve__V1__Event *ev = err == 1 ? event_decode(payload, len) : NULL;

		if (err == 1 && pos.index >= end) {
			varve__v1__event__free_unpacked(ev, NULL);
			err = 0;
			break;
		}
		/* The first record tells whether it is that sensor's log. */
		if (ev && !*ret_known)
			*ret_known = is_of_run(ev, shared->run_id);
		if (ev && *ret_known && pos.index >= from)
			replay(taken, in, ev, pos.index);
		varve__v1__event__free_unpacked(ev, NULL);
		if (!*ret_known) {
			err = 0;
			break;
		}
	}
	log_reader_close(reader);
	return err;
}

int resume_open(struct intake *in, const char *log_dir, uint64_t end, struct taken *ret_taken,
		bool *ret_known)
{
	int err;

	ret_taken->cnt = 0;
	probes_each_book(in->probes, take_up, in);
	err = replay_log(ret_taken, in, log_dir, end, ret_known);
	if (!err && *ret_known)
		err = recall_containers(in->containers, log_dir, probes_shared(in->probes)->run_id);
	taken_sort(ret_taken);
	streams_begin(in->streams, in->probes);
	return err;
}
