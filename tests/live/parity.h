/* SPDX-License-Identifier: Apache-2.0 */
/* parity.c's scenario: each kind that the two sets of hooks see differently, done and failed. */
#ifndef VARVE_LIVE_PARITY_H
#define VARVE_LIVE_PARITY_H

#include "tests/live/scenario.h"

/* For live_spawn; arg: a struct scenario, for its directory. */
void parity_kinds(struct live *t, void *arg);

#endif
