/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's own act, once for each heartbeat, which a probe sees like anybody's: if its record
 * does not come out of the ring, programs do not run, or the sensor does not hear of it.
 */
#ifndef VARVE_CANARY_H
#define VARVE_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct canary {
	uint64_t sent_ns; /* boot time; 0: not yet */
	uint64_t come_ns; /* that the record of it says; what came before sent_ns is an earlier one */
	uint64_t took_ns; /* from the act until the record was read */
	bool is_missed;	  /* it was told that the last one did not come */
};

/* The calling thread names itself what it is called already. now_ns: boot time. */
void canary_send(struct canary *canary, uint64_t now_ns);
/* True if these bytes of the ring are a canary; canary may be NULL. now_ns: boot time. */
bool canary_take(struct canary *canary, const void *data, size_t len, uint64_t now_ns);
/* True if the one that was sent last has come. Tells when it has not, and when it comes again. */
bool canary_has_come(struct canary *canary);

#endif
