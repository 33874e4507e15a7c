/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve follow: records as they come. Each is judged by what it says itself: little is kept of what
 * came before. Only records of containers whose pod is not known yet wait for the BINDING.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "responder/commands.h"
#include "responder/describe.h"
#include "responder/filter.h"
#include "responder/follow_held.h"
#include "responder/follow_runs.h"
#include "responder/memory.h"
#include "responder/select.h"
#include "responder/views/view.h"
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define UIDS_MAX    64	/* of pods that had the name that was asked for; the oldest gives way */
#define PREFIX_MIN  8	/* digits of a container's id */
#define TELL_EVERY  256 /* records, while none is waited for */
#define CANNOT_TOLD 20

struct follow {
	const struct options *opts;
	FILE *out;
	struct history h; /* what views look at: nothing is in it */
	void *view_state;
	struct follow_runs runs;
	struct follow_held held;
	struct filter filter;
	char *uids[UIDS_MAX];
	size_t uid_cnt;
	int64_t last_ns;
	uint64_t read_cnt, shown_cnt, undecodable_cnt, damage_cnt;
	uint32_t newest_schema;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* --- what is wanted */

static bool has_uid(const struct follow *f, const char *uid)
{
	for (size_t i = 0; uid && i < f->uid_cnt; i++)
		if (!strcmp(f->uids[i], uid))
			return true;
	return false;
}

/* A pod's later records may have its UID alone. */
static void keep_uid(struct follow *f, const char *uid)
{
	if (!uid || has_uid(f, uid))
		return;
	if (f->uid_cnt == UIDS_MAX) {
		free(f->uids[0]);
		memmove(f->uids, f->uids + 1, --f->uid_cnt * sizeof(f->uids[0]));
	}
	f->uids[f->uid_cnt++] = memory_strdup(uid);
}

static bool is_of_pod(struct follow *f, const Varve__V1__Event *ev)
{
	const Varve__V1__Pod *pod = ev->pod;
	const char *wanted = f->opts->pod;

	if (!pod)
		return false;
	if (!strchr(wanted, '/'))
		return pod->uid && !strcasecmp(pod->uid, wanted);
	if (!select_is_named(pod->namespace_, pod->name, wanted))
		return !pod->name && has_uid(f, pod->uid);
	keep_uid(f, pod->uid);
	return true;
}

static bool is_of_container(const struct follow *f, const char *id)
{
	const char *wanted = f->opts->container;
	size_t len = strlen(wanted);

	if (!id || strncmp(id, wanted, len))
		return false;
	return !id[len] || (len >= PREFIX_MIN && strspn(wanted, "0123456789abcdef") == len);
}

/* Of the sensor itself, what comes all the time and says nothing by itself. */
static bool is_routine(const Varve__V1__Event *ev)
{
	return ev->body_case == VARVE__V1__EVENT__BODY_SEAL ||
	       ev->body_case == VARVE__V1__EVENT__BODY_HEARTBEAT;
}

static bool is_of_subject(struct follow *f, const Varve__V1__Event *ev)
{
	if (!f->opts->pod && !f->opts->container)
		return f->opts->view != &view_timeline || !is_routine(ev);
	if (!ev->container)
		return false;
	return f->opts->pod ? is_of_pod(f, ev) : is_of_container(f, ev->container->id);
}

/* Filters by kind, path and result belong here. */
static bool is_wanted(struct follow *f, const Varve__V1__Event *ev, bool is_old)
{
	int64_t ns = ev->has_time_unix_nano ? ev->time_unix_nano : f->last_ns;

	return is_of_subject(f, ev) && !is_old && ns >= f->opts->window.since_ns;
}

/* --- what is said */

static void show(struct follow *f, Varve__V1__Event *ev)
{
	const char *id = ev->container ? ev->container->id : ev->node_name;
	struct history_container c = {.id = (char *)(id ? id : "?")};

	if (!filter_takes(&f->filter, ev))
		return;
	/* Times are looked up in runs, if a record has none. */
	if (!ev->has_time_unix_nano && f->opts->view == &view_timeline) {
		ev->has_time_unix_nano = 1;
		ev->time_unix_nano = f->last_ns;
	}
	f->shown_cnt++;
	f->opts->view->record(f->view_state, f->out, &c, ev);
}

/* What the sensor lost may have been of the pod: said, even if its other records are not asked for.
 */
static void tell_loss(const Varve__V1__Event *ev)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		memory_exhausted();
	describe_event(out, ev);
	fclose(out);
	log_warn("node %s: LOSS %s", ev->node_name, text);
}

static void tell_newer(struct follow *f, const Varve__V1__Event *ev)
{
	if (!ev->has_schema_version || ev->schema_version <= VARVE_SCHEMA_VERSION ||
	    ev->schema_version <= f->newest_schema)
		return;
	f->newest_schema = ev->schema_version;
	log_warn("node %s: records are of schema version %u, and this varve knows version %d: what "
		 "is "
		 "new in them may not be shown",
		 ev->node_name, ev->schema_version, VARVE_SCHEMA_VERSION);
}

static bool is_unnamed(const Varve__V1__Event *ev)
{
	return ev->container && ev->container->metadata_state &&
	       !strcmp(ev->container->metadata_state, "PENDING");
}

static void show_held(Varve__V1__Event *ev, void *ctx)
{
	struct follow *f = ctx;
	int64_t ns = ev->has_time_unix_nano ? ev->time_unix_nano : f->last_ns;

	if (ns >= f->opts->window.since_ns)
		show(f, ev);
}

/* What the container's records before this one were of is known now. */
static void settle_held(struct follow *f, const Varve__V1__Event *ev)
{
	if (!f->held.cnt || ev->body_case != VARVE__V1__EVENT__BODY_BINDING || !ev->container ||
	    !ev->pod)
		return;
	follow_held_give(&f->held, ev, is_of_pod(f, ev) ? show_held : NULL, f);
}

static void take_event(struct follow *f, Varve__V1__Event *ev, const struct source_item *item)
{
	bool is_old = item->is_old;

	if (!follow_runs_take(&f->runs, ev, now_ms(), !is_old))
		return;
	if (ev->has_time_unix_nano)
		f->last_ns = ev->time_unix_nano;
	tell_newer(f, ev);
	settle_held(f, ev);
	if (is_wanted(f, ev, is_old))
		show(f, ev);
	else if (f->opts->pod && is_unnamed(ev) && !is_old)
		follow_held_add(&f->held, ev, item->payload, item->len);
	else if (!ev->container && ev->body_case == VARVE__V1__EVENT__BODY_LOSS && !is_old)
		tell_loss(ev);
}

static void take_item(struct follow *f, const struct source_item *item)
{
	Varve__V1__Event *ev;

	if (item->what == SOURCE_DAMAGE) {
		f->damage_cnt++;
		log_warn("cannot be read: %s", item->where);
		return;
	}
	f->read_cnt += !item->is_old;
	ev = event_decode(item->payload, item->len);
	if (ev)
		take_event(f, ev, item);
	else if (f->undecodable_cnt++ < CANNOT_TOLD)
		log_warn("a payload of %zu bytes is no record", item->len);
	varve__v1__event__free_unpacked(ev, NULL);
}

/* Status: what was missed, if anything. */
static int conclude(struct follow *f)
{
	const struct follow_runs *runs = &f->runs;
	_cleanup_free_ char *left_out = filter_summary(&f->filter);

	follow_runs_tell(&f->runs, 0, true);
	follow_held_fini(&f->held);
	if (f->held.left_cnt)
		log_warn("%llu records are of containers whose pod was not known; varve replay "
			 "shows "
			 "those that were of this one",
			 (unsigned long long)f->held.left_cnt);
	if (left_out)
		log_warn("%s", left_out);
	if (runs->left_out_cnt)
		log_warn("there were more than %d runs of sensors: of %llu records it is not known "
			 "what is missing before them, or came again",
			 FOLLOW_RUNS_MAX, (unsigned long long)runs->left_out_cnt);
	log_warn("%llu records shown of %llu; missing: %llu in %llu gaps; came again: %llu; cannot "
		 "be decoded: %llu; places that cannot be read: %llu",
		 (unsigned long long)f->shown_cnt, (unsigned long long)f->read_cnt,
		 (unsigned long long)runs->missing_cnt, (unsigned long long)runs->gap_cnt,
		 (unsigned long long)runs->again_cnt, (unsigned long long)f->undecodable_cnt,
		 (unsigned long long)f->damage_cnt);
	if (runs->missing_cnt || f->undecodable_cnt || f->damage_cnt)
		return EXIT_INCOMPLETE;
	return runs->left_out_cnt ? EXIT_UNKNOWN : EXIT_OK;
}

/* All that was asked for is there: nothing more is waited for. */
static bool has_enough(const struct follow *f)
{
	return f->opts->filter.limited && f->filter.shown_cnt >= f->opts->filter.limit;
}

static int follow(struct follow *f, struct source *src)
{
	struct source_item item;
	uint64_t cnt = 0;
	int err = 0;

	while (!stopped && !has_enough(f) && !ferror(f->out) && !(err = source_next(src, &item))) {
		bool is_idle = item.what == SOURCE_WAIT;

		if (!is_idle)
			take_item(f, &item);
		if (is_idle)
			fflush(f->out);
		if (is_idle || ++cnt % TELL_EVERY == 0)
			follow_runs_tell(&f->runs, now_ms(), false);
	}
	int status = conclude(f);

	return err ? EXIT_IO : status;
}

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	stopped = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int cmd_follow(const struct options *opts, FILE *out)
{
	struct source_opts source_opts = opts->source_opts;
	struct follow f = {.opts = opts, .out = out, .h.as_recorded = true};
	struct source *src;
	int status = EXIT_IO;

	source_opts.follow = 1;
	source_opts.follow_since_ns = opts->window.since_ns;
	catch_signals();
	if (source_open(opts->source, &source_opts, &src))
		return EXIT_IO;
	filter_init(&f.filter, &opts->filter);
	if (opts->view->open)
		f.view_state = opts->view->open(&f.h, NULL, out);
	status = follow(&f, src);
	if (opts->view->free)
		opts->view->free(f.view_state);
	for (size_t i = 0; i < f.uid_cnt; i++)
		free(f.uids[i]);
	follow_runs_fini(&f.runs);
	filter_fini(&f.filter);
	source_close(src);
	return status;
}
