/* SPDX-License-Identifier: Apache-2.0 */
/* Goes over the fields of the outermost message, and of Container. As in protobuf, the last one
 * holds. */
#include "evidence/peek.h"
#include "evidence/base.h"
#include "evidence/wire.h"
#include <string.h>

enum { /* proto/varve.proto */
       EVENT_SEQUENCE = 2,
       EVENT_TIME = 3,
       EVENT_RUN_ID = 5,
       EVENT_NODE_NAME = 6,
       EVENT_CONTAINER = 9,
       CONTAINER_ID = 1,
};

struct field {
	uint32_t number;
	unsigned int type;
	uint64_t value; /* WIRE_VARINT */
	struct wire in; /* WIRE_BYTES */
};

/* All that is valid, and not only what an encoder writes. */
static bool take_varint(struct wire *w, uint64_t *ret_value)
{
	return wire_varint_of(w, 64, ret_value);
}

static bool take_bytes(struct wire *c, uint64_t len, struct wire *ret_in)
{
	if (len > (uint64_t)(c->end - c->at))
		return false;
	*ret_in = (struct wire){c->at, c->at + len};
	c->at += len;
	return true;
}

static bool take_field(struct wire *c, struct field *ret)
{
	uint64_t tag, len;

	if (!take_varint(c, &tag) || tag >> 3 > UINT32_MAX)
		return false;
	ret->number = tag >> 3;
	ret->type = tag & 7;
	switch (ret->type) {
	case WIRE_VARINT:
		return take_varint(c, &ret->value);
	case WIRE_64:
		return take_bytes(c, 8, &ret->in);
	case WIRE_32:
		return take_bytes(c, 4, &ret->in);
	case WIRE_BYTES:
		return take_varint(c, &len) && take_bytes(c, len, &ret->in);
	}
	return false;
}

static bool text_of(const struct field *f, struct peek_text *ret)
{
	if (f->type != WIRE_BYTES)
		return false;
	ret->at = (const char *)f->in.at;
	ret->len = strnlen(ret->at, f->in.end - f->in.at);
	return true;
}

static bool peek_container(const struct field *f, struct peek *p)
{
	struct wire c = f->in;
	struct field inner;

	if (f->type != WIRE_BYTES)
		return false;
	while (c.at < c.end)
		if (!take_field(&c, &inner) ||
		    (inner.number == CONTAINER_ID && !text_of(&inner, &p->container_id)))
			return false;
	return true;
}

static bool peek_field(const struct field *f, struct peek *p)
{
	switch (f->number) {
	case EVENT_SEQUENCE:
		p->sequence = f->value;
		p->has_sequence = true;
		return f->type == WIRE_VARINT;
	case EVENT_TIME:
		p->time_unix_nano = f->value;
		p->has_time = true;
		return f->type == WIRE_VARINT;
	case EVENT_RUN_ID:
		return text_of(f, &p->run_id);
	case EVENT_NODE_NAME:
		return text_of(f, &p->node_name);
	case EVENT_CONTAINER:
		return peek_container(f, p);
	}
	return true;
}

bool event_peek(const uint8_t *payload, size_t len, struct peek *ret_peek)
{
	struct wire c = {payload, payload + len};
	struct peek p = {};
	struct field f = {};

	while (c.at < c.end)
		if (!take_field(&c, &f) || !peek_field(&f, &p))
			return false;
	if (!p.has_sequence || !p.run_id.at)
		return false;
	*ret_peek = p;
	return true;
}
