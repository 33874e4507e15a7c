/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages of a packet as a part of its event, within the bounds of one event. */
#ifndef VARVE_DNS_FILL_H
#define VARVE_DNS_FILL_H

#include "sensor/record.h"

struct dns_streams;

/* The one message of a datagram. */
int dns_fill_datagram(const struct ev_dns *in, const uint8_t *payload, struct arena *arena,
		      Varve__V1__Dns *out);
/*
 * The messages that a TCP segment completes, and what waits; nothing for a datagram. Everything is
 * copied into the arena. Errors as record_to_event().
 */
int dns_fill_segment(struct dns_streams *streams, const struct record *rec, struct arena *arena,
		     Varve__V1__Dns *out);

#endif
