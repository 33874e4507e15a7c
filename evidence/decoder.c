/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what a protobuf encoder writes: fields in the order of their numbers, each once, of the
 * type that the schema has. Whatever else the wire allows (another order, repeats that are merged,
 * unknown fields, packed lists) or forbids is left to protobuf-c, which then decodes the whole
 * payload: so the two cannot differ in what they take, and what is odd costs time only. Driven by
 * protobuf-c's descriptors, into its structs, in memory that is given back at once.
 */
#include "evidence/decoder.h"
#include "evidence/base.h"
#include <string.h>

#define BLOCK_SIZE (256u << 10) /* holds a usual record many times over */
#define ALIGN	   8u

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

struct block {
	struct block *before;
	char data[];
};

struct decoder {
	struct block *block; /* that is filled; the first one of all stays */
	char *at, *end;
	ProtobufCAllocator allocator;
};

/* What is left of a message. */
struct wire {
	const uint8_t *at, *end;
};

/* --- memory */

static bool add_block(struct decoder *d, size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (!b)
		return false;
	b->before = d->block;
	d->block = b;
	d->at = b->data;
	d->end = b->data + size;
	return true;
}

static void *take(struct decoder *d, size_t size)
{
	char *p = d->at;

	if ((size_t)(d->end - p) < size) {
		if (!add_block(d, MAX(size, (size_t)BLOCK_SIZE)))
			return NULL;
		p = d->at;
	}
	d->at = p + size;
	return p;
}

static void *take_aligned(struct decoder *d, size_t size)
{
	size_t off = -(uintptr_t)d->at & (ALIGN - 1);

	if ((size_t)(d->end - d->at) < off + size)
		return take(d, size); /* of a new block */
	d->at += off;
	return take(d, size);
}

static void reset(struct decoder *d)
{
	while (d->block->before) {
		struct block *b = d->block;

		d->block = b->before;
		free(b);
	}
	d->at = d->block->data;
	d->end = d->at + BLOCK_SIZE;
}

static void *library_alloc(void *ctx, size_t size)
{
	return take_aligned(ctx, size);
}

static void library_free(void *ctx, void *p)
{
	(void)ctx;
	(void)p;
}

int decoder_new(struct decoder **ret_decoder)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d || !add_block(d, BLOCK_SIZE)) {
		free(d);
		return -ENOMEM;
	}
	d->allocator = (ProtobufCAllocator){library_alloc, library_free, d};
	*ret_decoder = d;
	return 0;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	reset(d);
	free(d->block);
	free(d);
}

/* --- the wire */

static bool read_varint(struct wire *w, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; w->at < w->end && shift < 63; shift += 7) {
		uint8_t b = *w->at++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* Of a field of this type all that can follow its tag as the schema has it. */
static bool read_bytes(struct wire *w, const uint8_t **ret_p, size_t *ret_len)
{
	uint64_t len;

	if (!read_varint(w, &len) || len > (size_t)(w->end - w->at))
		return false;
	*ret_p = w->at;
	*ret_len = len;
	w->at += len;
	return true;
}

static bool read_tag(struct wire *w, uint32_t *ret_id, unsigned int *ret_type)
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

/* --- messages */

static bool decode_message(struct decoder *d, const ProtobufCMessageDescriptor *desc, struct wire w,
			   ProtobufCMessage **ret_msg);

static bool decode_varint(const ProtobufCFieldDescriptor *f, struct wire *w, void *member)
{
	uint64_t v;

	if (!read_varint(w, &v))
		return false;
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_ENUM:
		*(uint32_t *)member = (uint32_t)v;
		return true;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		*(uint64_t *)member = v;
		return true;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)member = !!v;
		return true;
	default:
		return false;
	}
}

static bool decode_bytes(struct decoder *d, const ProtobufCFieldDescriptor *f, struct wire *w,
			 void *member)
{
	const uint8_t *p;
	size_t len;

	if (!read_bytes(w, &p, &len))
		return false;
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return decode_message(d, f->descriptor, (struct wire){p, p + len}, member);
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		char *s = take(d, len + 1);

		if (!s)
			return false;
		memcpy(s, p, len);
		s[len] = '\0';
		*(char **)member = s;
		return true;
	}
	if (f->type != PROTOBUF_C_TYPE_BYTES)
		return false;
	*(ProtobufCBinaryData *)member = (ProtobufCBinaryData){.len = len};
	if (!len)
		return true;
	uint8_t *copy = take(d, len);

	((ProtobufCBinaryData *)member)->data = copy;
	return copy && memcpy(copy, p, len);
}

static bool decode_single(struct decoder *d, const ProtobufCFieldDescriptor *f, unsigned int type,
			  struct wire *w, ProtobufCMessage *msg)
{
	void *member = (char *)msg + f->offset, *quantifier = (char *)msg + f->quantifier_offset;

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (*(uint32_t *)quantifier)
			return false;
		*(uint32_t *)quantifier = f->id;
	} else if (f->quantifier_offset) {
		*(protobuf_c_boolean *)quantifier = 1;
	}
	return type == WIRE_VARINT  ? decode_varint(f, w, member)
	       : type == WIRE_BYTES ? decode_bytes(d, f, w, member)
				    : false;
}

/* How many times the field comes in a row, the one whose tag was just read among them. */
static size_t count_list(uint32_t id, struct wire w)
{
	const uint8_t *p;
	unsigned int type;
	uint32_t next;
	size_t len, cnt = 1;

	while (read_bytes(&w, &p, &len) && w.at < w.end && read_tag(&w, &next, &type) &&
	       next == id && type == WIRE_BYTES)
		cnt++;
	return cnt;
}

/* A list of strings, bytes or messages. */
static bool decode_list(struct decoder *d, const ProtobufCFieldDescriptor *f, unsigned int type,
			struct wire *w, ProtobufCMessage *msg)
{
	size_t size =
		f->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
	size_t cnt = type == WIRE_BYTES ? count_list(f->id, *w) : 0;
	char *list = cnt ? take_aligned(d, cnt * size) : NULL;
	uint32_t id;

	if (!list)
		return false;
	for (size_t i = 0; i < cnt; i++)
		if ((i && !read_tag(w, &id, &type)) || !decode_bytes(d, f, w, list + i * size))
			return false;
	*(char **)((char *)msg + f->offset) = list;
	*(size_t *)((char *)msg + f->quantifier_offset) = cnt;
	return true;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *desc,
						  uint32_t id)
{
	const ProtobufCIntRange *r = desc->field_ranges;

	for (unsigned int i = 0; i < desc->n_field_ranges; i++, r++)
		if (id - (uint32_t)r->start_value < r[1].orig_index - r->orig_index)
			return &desc->fields[r->orig_index + id - (uint32_t)r->start_value];
	return NULL;
}

static bool decode_message(struct decoder *d, const ProtobufCMessageDescriptor *desc, struct wire w,
			   ProtobufCMessage **ret_msg)
{
	ProtobufCMessage *msg = take_aligned(d, desc->sizeof_message);
	uint32_t id, last = 0;
	unsigned int type;

	if (!msg)
		return false;
	desc->message_init(msg);
	while (w.at < w.end) {
		if (!read_tag(&w, &id, &type) || id <= last)
			return false;
		const ProtobufCFieldDescriptor *f = find_field(desc, id);

		if (!f ||
		    !(f->label == PROTOBUF_C_LABEL_REPEATED ? decode_list(d, f, type, &w, msg)
							    : decode_single(d, f, type, &w, msg)))
			return false;
		last = id;
	}
	*ret_msg = msg;
	return true;
}

const Varve__V1__Event *decoder_event(struct decoder *d, const uint8_t *payload, size_t len)
{
	ProtobufCMessage *msg;

	reset(d);
	if (!decode_message(d, &varve__v1__event__descriptor, (struct wire){payload, payload + len},
			    &msg)) {
		reset(d);
		msg = protobuf_c_message_unpack(&varve__v1__event__descriptor, &d->allocator, len,
						payload);
	}
	return msg && event_is_valid((const Varve__V1__Event *)msg) ? (const Varve__V1__Event *)msg
								    : NULL;
}
