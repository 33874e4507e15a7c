/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks against a container's history being whole. */
#ifndef VARVE_RESPONDER_CHECKS_H
#define VARVE_RESPONDER_CHECKS_H

#include "responder/stretch.h"
#include "responder/verdict.h"

/* What the checks look at: one container in one run. */
struct checks_subject {
	const struct history *h;
	const struct history_stream *s;
	struct stretch stretch; /* of the stream, within the window */
	bool name_it;		/* more than one container: say which */
	struct verdict *v;
};

/* All of those below. */
void checks_run(const struct checks_subject *sub);

/* Each adds what it finds to the verdict. */
void check_start(const struct checks_subject *sub);
void check_end(const struct checks_subject *sub);
void check_gaps(const struct checks_subject *sub);
void check_tail(const struct checks_subject *sub);
void check_holes(const struct checks_subject *sub);
void check_losses(const struct checks_subject *sub);
void check_account(const struct checks_subject *sub);
void check_coverage(const struct checks_subject *sub);
void check_canary(const struct checks_subject *sub);
void note_suppressions(const struct checks_subject *sub);
void note_run(const struct checks_subject *sub);

/* For a selected pod: could other containers of it be missing altogether? Once for all of them. */
void checks_pod(const struct history *h, struct verdict *v);
/* All of the time of which that asks what is missing. False: of none. */
bool checks_pod_time(const struct history *h, struct history_window *ret_time);

/* Which sensor watched, as far as the evidence says so: the runs that the selected containers are
 * in. */
void note_watchers(const struct history *h, struct verdict *v);

#endif
