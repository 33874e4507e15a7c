/* SPDX-License-Identifier: Apache-2.0 */
/* What an event is about, of whatever kind it is: the paths, addresses and names in its body. */
#ifndef VARVE_RESPONDER_PARTS_H
#define VARVE_RESPONDER_PARTS_H

#include "evidence/event.h"

enum parts_what {
	PARTS_PATH,    /* the exact bytes: of a file, a unix socket, a name as it was called */
	PARTS_ADDRESS, /* of an endpoint, or an address in a DNS answer */
	PARTS_NAME,    /* a DNS name that was asked for or answered */
};

struct part {
	enum parts_what what;
	const char *s; /* not ended by NUL */
	size_t len;
	const Varve__V1__File *file;	     /* PARTS_PATH: NULL if it is a text alone */
	const Varve__V1__Endpoint *endpoint; /* PARTS_ADDRESS: NULL if it is a text alone */
};

/* True ends the walk. */
typedef bool (*parts_fn)(const struct part *part, void *ctx);
/* Gives each part of the body, in the order of its fields; true if a call of fn was. */
bool parts_each(const Varve__V1__Event *ev, parts_fn fn, void *ctx);

/* The body; NULL: none that this build knows. */
const ProtobufCMessage *parts_body(const Varve__V1__Event *ev);
/* True if it was tried and failed, or had failed when it ended. */
bool parts_failed(const Varve__V1__Event *ev);

#endif
