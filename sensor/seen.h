/* SPDX-License-Identifier: Apache-2.0 */
/* From hooks to event kinds: what is seen with those that attached, and what not. */
#ifndef VARVE_SEEN_H
#define VARVE_SEEN_H

#include "sensor/probes.h"

enum seen { SEEN_NOT, SEEN_PARTLY, SEEN_WHOLLY };

/* How much of a kind (its number) the hooks see: partly if one that it needs did not attach and
 * nothing does its work. */
enum seen seen_kind(const struct probes_hook *hooks, size_t cnt, unsigned int kind);
/* --probe: hooks and kinds as a table, or as JSON, on standard output. */
int seen_show(const struct probes *probes, bool json);

#endif
