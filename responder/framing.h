/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of records, each behind its length. Two forms, which cannot be taken for each other,
 * since no record is empty or as long as 16 MiB: the length as a varint, as protobuf's delimited
 * messages have it, or as four bytes, most significant first, as `kcat -f '%R%s'` prints it.
 */
#ifndef VARVE_RESPONDER_FRAMING_H
#define VARVE_RESPONDER_FRAMING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum framing {
	FRAMING_DELIMITED, /* varint */
	FRAMING_KCAT,	   /* four bytes */
};

#define FRAMING_HEAD_MAX 4 /* bytes of a length */

/* By the first bytes of the stream; len: how many there are, up to FRAMING_HEAD_MAX. */
enum framing framing_of(const uint8_t *head, size_t len);
/*
 * The length that stands at the beginning of these bytes. 1: it is there; *ret_len is 0 for what
 * has no value (a tombstone). 0: it goes on behind them. -EBADMSG: it is no length of a record.
 */
int framing_parse(enum framing framing, const uint8_t *bytes, size_t avail, size_t *ret_head_len,
		  size_t *ret_len);
/* Writes one record as FRAMING_DELIMITED; an error stays with the stream. */
void framing_write(FILE *out, const uint8_t *payload, size_t len);

#endif
