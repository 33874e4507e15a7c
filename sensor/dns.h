/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DNS message, from the wire to a message of ours. Whatever the bytes are, there is a result:
 * what could be parsed, and what is wrong with the rest. Pure.
 */
#ifndef VARVE_DNS_H
#define VARVE_DNS_H

#include "varve.pb-c.h"
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Bounds of what one event holds of all its messages; the rest is counted. */
#define DNS_MESSAGES_MAX 64
#define DNS_RECORDS_MAX	 200  /* questions, too */
#define DNS_DATA_MAX	 1024 /* bytes of a record's data as text */

/*
 * msg: the first `captured` bytes of a message of `len`. *records_left: how many questions and
 * records may still be given; is counted down. -ENOMEM: the arena is used up.
 */
int dns_parse(const uint8_t *msg, size_t captured, size_t len, size_t *records_left,
	      struct arena *arena, Varve__V1__DnsMessage **ret_msg);

#endif
