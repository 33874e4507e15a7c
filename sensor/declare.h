/* SPDX-License-Identifier: Apache-2.0 */
/* The records that keep the evidence honest: loss, suppression, binding, account. */
#ifndef VARVE_DECLARE_H
#define VARVE_DECLARE_H

#include "sensor/streams.h"
#include "varve.pb-c.h"

struct arena;
struct container;
struct emit;
struct pod;
struct run_place;

/* container: NULL for the node's own. All return what emit_event() does. */
int declare_finding(struct emit *emit, const struct streams_finding *finding,
		    struct container *container);
int declare_account(struct emit *emit, const struct streams_sum sums[EV_CLASS_CNT], bool closed,
		    struct container *container);
int declare_binding(struct emit *emit, struct container *container);
/* POD_STATE: all that is known of the pod. */
int declare_pod_state(struct emit *emit, const struct pod *pod);
/*
 * Records that went from the log before anybody had them. first: the first of them; next: the first
 * that is still there.
 */
int declare_log_removed(struct emit *emit, uint64_t count, const struct run_place *first,
			const struct run_place *next);
/* A record that Kafka will never take. */
int declare_not_delivered(struct emit *emit, const char *run_id, uint64_t sequence,
			  int64_t time_unix_nano);

/* Runs of programs that the kernel left out, since one ran on that CPU already: whose events they
 * were is not known. */
int declare_not_run(struct emit *emit, uint64_t count);

/* Counts by class, for a record. */
int declare_fill_counts(const struct streams_sum *sums, struct arena *arena, size_t *ret_cnt,
			Varve__V1__ClassCount ***ret_counts);

#endif
