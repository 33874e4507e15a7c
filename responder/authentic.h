/* SPDX-License-Identifier: Apache-2.0 */
/* Are the records of what was selected those that the sensor sealed? For the verdict of a replay.
 */
#ifndef VARVE_RESPONDER_AUTHENTIC_H
#define VARVE_RESPONDER_AUTHENTIC_H

#include "responder/history.h"
#include "responder/options.h"
#include "responder/verdict.h"

/* --key or --changes was given. */
bool authentic_is_asked(const struct options *opts);
/*
 * Reads all of the source once more and says in the verdict what `varve verify` would say of the
 * runs that the selected containers are in, up to their last record. Errors are told: keys or
 * source cannot be read.
 */
int authentic_check(const struct options *opts, struct source *src, const struct history *h,
		    struct verdict *v);

#endif
