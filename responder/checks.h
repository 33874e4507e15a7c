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

/* Adds what it finds to the verdict. */
void checks_run(const struct checks_subject *sub);

#endif
