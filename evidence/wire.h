/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf's wire, as an encoder writes it: what is read here is valid, but not all that is valid
 * is read (tags and numbers in more bytes than they need). False: it is not that, or it ends first.
 */
#ifndef VARVE_EVIDENCE_WIRE_H
#define VARVE_EVIDENCE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* What is left of a message. */
struct wire {
	const uint8_t *at, *end;
};

/* Of no more than so many bits, a multiple of seven, or 64. */
static inline bool wire_varint_of(struct wire *w, unsigned int bits, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; w->at < w->end && shift < bits; shift += 7) {
		uint8_t b = *w->at++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* Below 2^63. */
static inline bool wire_varint(struct wire *w, uint64_t *ret)
{
	return wire_varint_of(w, 63, ret);
}

/* A length, and so many bytes. */
static inline bool wire_bytes(struct wire *w, const uint8_t **ret_p, size_t *ret_len)
{
	uint64_t len;

	if (!wire_varint(w, &len) || len > (size_t)(w->end - w->at))
		return false;
	*ret_p = w->at;
	*ret_len = len;
	w->at += len;
	return true;
}

/* Of a message that has not ended. */
static inline bool wire_tag(struct wire *w, uint32_t *ret_id, unsigned int *ret_type)
{
	uint32_t v = *w->at++;

	if (v >= 0x80) {
		if (w->at == w->end || *w->at >= 0x80)
			return false;
		v = (v & 0x7f) | (uint32_t)*w->at++ << 7;
	}
	*ret_id = v >> 3;
	*ret_type = v & 7;
	return true;
}

#endif
