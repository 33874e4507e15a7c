/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of one cgroup: what was numbered in it, what came, what was declared, since its first
 * event. Kept in a pinned map (probes.h) beside the kernel's counters, so that the next sensor goes
 * on where the last one ended. Part of EV_LAYOUT.
 */
#ifndef VARVE_BOOK_H
#define VARVE_BOOK_H

#include "bpf/event.h"
#include <stdint.h>

/* Why userspace lost it, beside enum ev_cause. */
enum streams_cause {
	STREAMS_CAUSE_INVALID = EV_CAUSE_CNT, /* the record failed its check */
	STREAMS_CAUSE_LOG,		      /* the log could not take it */
	STREAMS_CAUSE_LOG_FULL,		      /* the log has no room for it */
	STREAMS_CAUSE_UNKNOWN,
	STREAMS_CAUSE_CNT,
};

struct streams_sum {
	uint64_t generated, recorded, lost, suppressed;
};

/* Of one CPU and class. */
struct book_series {
	uint64_t recorded;	      /* numbers that came and are in the log */
	uint64_t below;		      /* of these, below `next` */
	uint64_t next;		      /* the kernel's counter at the last snapshot */
	uint64_t old_below, old_next; /* the same of the snapshot before */
};

#define BOOK_PATH_SIZE 512

struct book {
	uint64_t log_index; /* what comes from here on in the log is not in the book */
	uint64_t container; /* that the cgroup is of; 0: none */
	char cgroup_path[BOOK_PATH_SIZE]; /* of a container's own cgroup; empty: not kept, or longer
					   */
	struct streams_sum sum[EV_CLASS_CNT];
	struct streams_sum carried[EV_CLASS_CNT]; /* of the container's cgroups that have gone */
	uint64_t cause_declared[EV_CLASS_CNT][STREAMS_CAUSE_CNT];
	uint64_t suppressed_declared[EV_CLASS_CNT][EV_SUPPRESS_CNT];
	uint64_t clear_ns[EV_CLASS_CNT]; /* all that was numbered before is accounted for */
	struct book_series series[];	 /* [cpu][class] */
};

#endif
