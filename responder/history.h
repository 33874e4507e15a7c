/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the evidence is about and how much of it is there: sensor runs, containers, losses,
 * accounts. Read in two passes: history_load() learns all of this (bindings and losses come later
 * than what they are about), history_stream() then gives the records of what was selected. Memory
 * grows with runs and containers, not with records.
 */
#ifndef VARVE_RESPONDER_HISTORY_H
#define VARVE_RESPONDER_HISTORY_H

#include "evidence/event.h"
#include "responder/ranges.h"
#include "responder/strmap.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decoder;
struct source;

#define HISTORY_CLASS_MAX 8
#define HISTORY_NEVER	  INT64_MIN /* a time that is not known */

struct history_window {
	int64_t since_ns, until_ns; /* both included; INT64_MIN and INT64_MAX when open */
};

/* Hooks that the sensor did not have, from a Coverage record on. */
struct history_coverage {
	int64_t ns;
	uint64_t sequence;
	char *unhooked; /* their names, with why; empty: it had all */
};

/* One start of the sensor on one node. */
struct history_run {
	struct history_run *next;	     /* by time of the first record, once all is read */
	struct history_run *earlier, *later; /* of the same node */
	struct history_run *successor;	     /* that names this one as the run before it */
	char *id, *node;
	struct ranges sequences; /* of the records held */
	struct ranges hidden;	 /* those among them that came as hashes first */
	struct ranges shown;	 /* and of these, those that came as records after all */
	struct ranges again;	 /* as sequences, in history_stream() */
	int64_t first_ns, last_ns;
	int64_t settled_ns; /* losses up to here have been declared: last heartbeat but one, end */
	int64_t heartbeat_ns; /* the last one */
	int64_t came_ns;      /* the one that came last, and its sequence */
	uint64_t came;
	int64_t not_watched_since_ns, watched_since_ns, watched_until_ns; /* or HISTORY_NEVER */
	uint64_t watched_since_boot_ns; /* the same as watched_since_ns; 0: not known */
	int64_t clock_offset_ns;	/* of its first record: wall clock minus boot time */
	bool clock_known;
	bool clock_stepped;  /* the wall clock was set: times do not say what came first */
	bool started, ended; /* RunStart, RunEnd held */
	bool takes_over;     /* the hooks of the run before went on until this one */
	bool has_previous_last;
	uint64_t previous_last; /* sequence */
	char *previous_id, *end_reason;
	char *sensor_version, *kernel_release; /* NULL: its start is not here */
	bool broken;			       /* more gaps than can be kept */
	struct history_coverage *coverages; /* once all is read: in order, what differs only */
	size_t coverage_cnt, coverage_cap;
	struct history_window *blinds; /* between two heartbeats: no canary came; in no order */
	size_t blind_cnt, blind_cap;
};

struct history_count {
	bool stated; /* by an Account */
	uint64_t generated, recorded, lost, suppressed;
	uint64_t held; /* records with a kernel number */
};

/* What the records of a container say of it, as of the one that knows most. */
struct history_identity {
	char *runtime, *name, *image, *state;
	bool is_sandbox;
	char *pod_uid, *pod_name, *pod_namespace, *api_state;
	char *owner_kind, *owner_name, *workload_kind, *workload_name;
	bool owner_concluded, workload_concluded;
};

/* One container in one run, from its start (or the run's) to its account. */
struct history_stream {
	struct history_stream *next; /* of the same container, in order */
	struct history_container *container;
	struct history_run *run;
	struct history_identity who;
	struct ranges sequences; /* stream_sequence of the records held */
	uint64_t base;		 /* stream_sequence of the first record there must be */
	uint64_t first, last;	 /* sequence of the first and last record held */
	int64_t first_ns, last_ns;
	bool started, from_snapshot, stopped; /* ContainerStart, ContainerStop held */
	int64_t start_ns, stop_ns;
	uint64_t start_boot_ns;
	bool accounted, closed;
	int64_t account_ns;
	uint64_t account; /* sequence of the Account */
	struct history_count counts[HISTORY_CLASS_MAX];
};

struct history_container {
	struct history_container *next; /* in the order in which they appear */
	char *id, *node;
	struct history_identity who;
	char *cgroup_path; /* of its start or stop */
	bool selected;
	unsigned int sides; /* scratch of varve diff: a bit for each side that it is of */
	uint64_t first_segment, last_segment;
	unsigned int partition;
	bool is_scattered;		 /* its records lie in more than one partition */
	uint64_t record_cnt, window_cnt; /* all; those in the window */
	int64_t first_ns, last_ns;
	struct history_stream *streams, *last_stream;
};

/* A pod by its last POD_STATE. */
struct history_pod {
	struct history_pod *next;  /* in the order in which they appear */
	Varve__V1__Event *last;	   /* the record */
	int64_t first_ns, last_ns; /* of its life, over all runs; HISTORY_NEVER: nothing recorded */
	const struct history_run *run;
};

/* A segment of the log, by the first record that was read of it. */
struct history_segment {
	unsigned int partition;
	uint64_t id;
	int64_t first_ns;
};

/* A container that started and whose identity was not kept: the sensor's table was full. */
struct history_nameless {
	const struct history_run *run;
	int64_t ns;
	char *cgroup_path;
};

/* A Loss or a Suppression. */
struct history_loss {
	const struct history_run *run;
	const struct history_container *container; /* NULL: of the node */
	int event_class;			   /* index into classes */
	char *cause;				   /* or reason */
	uint64_t count;
	int64_t first_ns, last_ns;		/* or HISTORY_NEVER */
	bool of_records;			/* records that were not kept or not delivered */
	char *lost_run_id;			/* with of_records: all are of this run */
	uint64_t first_sequence, last_sequence; /* with lost_run_id */
};

/* A place where something could not be read, between two records (of the same partition). */
struct history_hole {
	const struct history_run *before, *after; /* run of the record before it; NULL: none */
	uint64_t before_sequence, after_sequence;
	int64_t before_ns, after_ns;
	uint64_t payload_cnt; /* payloads that are no records; 0: damage of the log */
	char *where;	      /* of damage */
	unsigned int partition;
	bool at_tail;
};

struct history {
	struct history_window window;
	bool as_recorded; /* views show what was known when */
	bool is_filtered; /* views are given a part of the records */
	bool everything;  /* history_stream() gives all records, of the node too */
	struct decoder *decoder; /* has the record that history_stream() gives */
	struct strmap run_ids, container_ids, pod_uids;
	struct history_pod *pods, *last_pod;
	size_t pod_cnt;
	struct history_segment *segments; /* of each partition in their order; a directory's */
	size_t segment_cnt, segment_cap;
	uint64_t skipped_cnt; /* records that were not read: only the outline was */
	struct history_run *runs, *last_run;
	struct history_container *containers, *last_container;
	size_t container_cnt;
	bool by_pod; /* a pod was selected: containers of it may be missing altogether */
	struct history_nameless *nameless;
	size_t nameless_cnt, nameless_cap;
	struct history_loss *losses, *suppressions;
	size_t loss_cnt, loss_cap, suppression_cnt, suppression_cap;
	struct history_hole *holes;
	size_t hole_cnt, hole_cap;
	uint64_t record_cnt, duplicate_cnt, undecodable_cnt, damage_cnt;
	uint64_t later_cnt;	/* records of a later schema, or of a kind that is not known */
	uint32_t later_version; /* the latest of them; 0: not said */
	uint64_t leaf_cnt;	/* records that are not in the bundles: their hashes are */
	uint64_t holes_left_out;
	int64_t first_ns, last_ns;
	const char *classes[HISTORY_CLASS_MAX];
};

/* Reads the source to its end. Damage is told as warnings. */
int history_load(struct source *src, const struct history_window *window,
		 struct history **ret_history);
/* Takes a record that came for the first time, as it comes: container NULL, of the node. */
typedef void (*history_each_fn)(const struct history_container *container, int64_t ns,
				const Varve__V1__Event *ev, void *ctx);
/* The same, and gives each record on: one pass. Who its container is may be known only later. */
int history_load_each(struct source *src, const struct history_window *window, history_each_fn fn,
		      void *ctx, struct history **ret_history);
/* The two halves of it. */
int history_read(struct source *src, const struct history_window *window,
		 struct history **ret_history);
void history_tell_damage(const struct history *h);
/* Of records of a later schema, in a line; NULL: there are none. The caller frees. */
char *history_later_text(const struct history *h);
void history_free(struct history *h);

/* Takes a container of the history, or NULL for a record of the node. Negative ends the reading. */
typedef int (*history_record_fn)(const struct history_container *container,
				 const Varve__V1__Event *ev, void *ctx);
/*
 * Second pass: the records of the selected containers (or all, if h->everything) in the window, in
 * the order of the source, each once. *ret_cnt: how many came. Only what was there in the first
 * pass is given.
 */
int history_stream(struct history *h, struct source *src, history_record_fn fn, void *ctx,
		   uint64_t *ret_cnt);
/* The same for whoever reads the source himself: begin, then each record as it comes. *cnt grows
 * with those that fn was given. What fn returns. */
void history_stream_begin(struct history *h);
int history_stream_give(struct history *h, const Varve__V1__Event *ev, history_record_fn fn,
			void *ctx, uint64_t *cnt);

/* Time of a record; that of the run's newest when it has none. */
int64_t history_time(const struct history_run *run, const Varve__V1__Event *ev);
/* The stream that the record belongs to; NULL: of no container. */
const struct history_stream *history_find_stream(const struct history *h,
						 const struct history_container *container,
						 const Varve__V1__Event *ev);
struct history_run *history_find_run(const struct history *h, const char *id);
/* The run that came after this one on its node; NULL: none. */
const struct history_run *history_next_run(const struct history_run *run);
/*
 * True if the container was watched from its beginning. One that started before
 * RunStart.watched_since was not: some hooks were not attached yet.
 */
bool history_start_seen(const struct history_stream *s);

#endif
