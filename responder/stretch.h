/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stretch of a run that matters to one container in the window: by time, and by sequence. What
 * is missing outside of it does not touch the container; in doubt it does.
 */
#ifndef VARVE_RESPONDER_STRETCH_H
#define VARVE_RESPONDER_STRETCH_H

#include "responder/history.h"

struct stretch {
	const struct history *h;
	const struct history_stream *s;
	int64_t since_ns, until_ns; /* life of the stream, cut by the window */
	uint64_t first,
		last; /* sequences in which records of the stream can be; UINT64_MAX: no end */
};

struct stretch_gap {
	uint64_t first, last;	     /* all missing */
	int64_t before_ns, after_ns; /* times of the records around it, or HISTORY_NEVER */
};

/* False if the stream lies outside of the window. */
bool stretch_init(struct stretch *st, const struct history *h, const struct history_stream *s);
/* True if any of the container's streams lies in the window. */
bool stretch_is_there(const struct history *h, const struct history_container *c);
/* True if the container may have lived at any moment of the time. */
bool stretch_is_within(const struct history_window *time, const struct history_container *c);
/* True if the window holds the whole of the stream, account and all. */
bool stretch_is_whole(const struct stretch *st);
/* True if the time first_ns..last_ns (HISTORY_NEVER: open) touches the stretch. */
bool stretch_has_time(const struct stretch *st, int64_t first_ns, int64_t last_ns);

/* The same of any time. */
bool stretch_touches(const struct history_window *time, int64_t first_ns, int64_t last_ns);

/* The numbers missing before range i, from base on; i == cnt: none, the end is not known here. */
bool stretch_gap_before(const struct ranges *r, uint64_t base, size_t i,
			struct stretch_gap *ret_gap);
/* Gap before the i-th range of the run's (the stream's) numbers; false: none, or outside of the
 * stretch. */
bool stretch_run_gap(const struct stretch *st, size_t i, struct stretch_gap *ret_gap);
bool stretch_stream_gap(const struct stretch *st, size_t i, struct stretch_gap *ret_gap);
bool stretch_has_hole(const struct stretch *st, const struct history_hole *hole);
/* True if the loss (suppression) is the container's, or the node's, within the stretch, and of what
 * is not held. */
bool stretch_has_loss(const struct stretch *st, const struct history_loss *loss);

#endif
