/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes one record after the other, for who reads millions: nothing is allocated for each. */
#ifndef VARVE_EVIDENCE_DECODER_H
#define VARVE_EVIDENCE_DECODER_H

#include "evidence/event.h"

struct decoder;

/* -ENOMEM. */
int decoder_new(struct decoder **ret_decoder);
void decoder_free(struct decoder *d);
/*
 * As event_decode(): the same records, or NULL for the same payloads. The decoder keeps it, until
 * the next call: not to be freed, nor to be changed.
 */
const Varve__V1__Event *decoder_event(struct decoder *d, const uint8_t *payload, size_t len);

/*
 * A message of the last record that the decoder keeps: most records have a container, a pod, a
 * process that others before them had. Who makes a text of it can leave that here for the next
 * time.
 */
struct decoder_known {
	ProtobufCMessage *msg;
	char *text; /* no NUL behind it; the decoder frees it */
	size_t text_len;
};
/* NULL: it is none of them. */
struct decoder_known *decoder_find_known(struct decoder *d, const ProtobufCMessage *msg);

#endif
