/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books: what the kernel side numbered against what came. Every missing number becomes exactly
 * one loss count.
 *
 * A stream is a cgroup; in it each (CPU, class) is a series of numbers of its own. Closing the
 * books over a time has two steps. streams_snapshot() reads the kernel's counters; then the caller
 * empties the rings; then streams_settle() knows: every number below a counter has come, or is
 * lost. The kernel's own counts of losses say why. What neither came nor is counted is given until
 * the next settling (a probe may stand between its number and the ring), then is a loss of unknown
 * cause.
 */
#ifndef VARVE_STREAMS_H
#define VARVE_STREAMS_H

#include "sensor/book.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probes;
struct streams;

const char *streams_cause_name(unsigned int cause);
/* Of enum ev_suppress. */
const char *streams_reason_name(unsigned int reason);

/* What settling declares: `count` events of a container (0: of none) since the last settling. */
struct streams_finding {
	uint64_t cgroup_id; /* whose numbers they are: the container's own, or one in it */
	uint64_t container;
	unsigned int ev_class;
	bool suppressed;     /* by policy; else lost */
	unsigned int cause;  /* of a loss */
	unsigned int reason; /* of what was suppressed: enum ev_suppress */
	uint64_t count;
	uint64_t first_ns, last_ns; /* boot time bounds */
};
/* Negative: it could not be declared; the next settling comes back to it. */
typedef int (*streams_fn)(const struct streams_finding *finding, void *ctx);

int streams_new(size_t cpu_cnt, struct streams **ret_streams);
void streams_free(struct streams *streams);

/* The cgroup belongs to this container (its own id, or the one that it lies in). */
int streams_bind(struct streams *streams, uint64_t cgroup_id, uint64_t container);
/* Path of a container's own cgroup, for its book. */
void streams_note_path(struct streams *streams, uint64_t cgroup_id, const char *path);
/* True if something was booked for the cgroup before. */
bool streams_knows(const struct streams *streams, uint64_t cgroup_id);
/* The container of a cgroup; 0: none is known. */
uint64_t streams_container(const struct streams *streams, uint64_t cgroup_id);

/* enum ev_class of the record's kind. */
unsigned int streams_class_of(const struct ev_hdr *hdr);
/* This record is in the log. */
void streams_recorded(struct streams *streams, const struct ev_hdr *hdr);
/* This one came and could not be recorded. */
void streams_dropped(struct streams *streams, const struct ev_hdr *hdr, enum streams_cause cause);

/* Reads the kernel's counters of all streams. */
void streams_snapshot(struct streams *streams, const struct probes *probes, uint64_t now_ns);
/* The same for the cgroups of one container only. */
void streams_snapshot_container(struct streams *streams, uint64_t container,
				const struct probes *probes, uint64_t now_ns);
/* Declares what the last snapshot shows. final: also what would be given until the next time. */
void streams_settle(struct streams *streams, bool final, streams_fn fn, void *ctx);
/* Like streams_settle(final) for the cgroups of one container only. */
void streams_settle_container(struct streams *streams, uint64_t container, streams_fn fn,
			      void *ctx);

/* Sums over the streams of a container as of the last settling, since the run began; 0: of
 * everything. */
void streams_sum(const struct streams *streams, uint64_t container,
		 struct streams_sum ret_sums[EV_CLASS_CNT]);
/* Forgets the streams of a container, in the kernel too; their sums stay in the node's. */
void streams_forget(struct streams *streams, uint64_t container, struct probes *probes);

/* The same three for a single cgroup that has gone before its container has; its sums stay in the
 * container's. */
void streams_snapshot_cgroup(struct streams *streams, uint64_t cgroup_id,
			     const struct probes *probes, uint64_t now_ns);
void streams_settle_cgroup(struct streams *streams, uint64_t cgroup_id, streams_fn fn, void *ctx);
void streams_forget_cgroup(struct streams *streams, uint64_t cgroup_id, struct probes *probes);
/* Calls fn for each cgroup that is not a container's own: in one, or (container 0) in none. fn may
 * bind, and not forget. */
void streams_each_other(const struct streams *streams,
			void (*fn)(uint64_t cgroup_id, uint64_t container, void *ctx), void *ctx);
/* Sums of one cgroup alone; 0: of what could not be booked on any. */
void streams_sum_cgroup(const struct streams *streams, uint64_t cgroup_id,
			struct streams_sum ret_sums[EV_CLASS_CNT]);

/* --- from one run to the next; see book.h */

size_t streams_book_size(size_t cpu_cnt);
/* Gives each book that has changed since it was last kept; log_index: the log's next. keep()
 * returns 0 if it did; what it did not keep is given again. Returns its first error. */
typedef int (*streams_keep_fn)(uint64_t cgroup_id, const struct book *book, void *ctx);
int streams_keep(struct streams *streams, uint64_t log_index, streams_keep_fn keep, void *ctx);
/* Takes up the book of a cgroup, which has no stream yet. */
int streams_take_up(struct streams *streams, uint64_t cgroup_id, const struct book *book);
/* What an earlier run wrote behind the books, at this index of the log. */
void streams_replay_record(struct streams *streams, uint64_t cgroup_id, uint32_t cpu,
			   unsigned int ev_class, uint64_t number, uint64_t log_index);
void streams_replay_finding(struct streams *streams, const struct streams_finding *finding,
			    uint64_t log_index);
/* All of that is taken up: what comes now is this run's. Drops the cgroups that the kernel has no
 * account of: they were closed. probes: NULL drops none. */
void streams_begin(struct streams *streams, struct probes *probes);
/* The run ends, and numbering goes on: what is neither recorded nor declared yet is the next one's.
 */
void streams_hand_over(struct streams *streams);

#endif
