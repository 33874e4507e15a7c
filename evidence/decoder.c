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
#include "evidence/blocks.h"
#include "evidence/wire.h"
#include <string.h>

#define BLOCK_SIZE (64u << 10) /* holds a usual record many times over */

#define KNOWN_FIELDS 3
#define KNOWN_CNT    16u   /* of each field */
#define KNOWN_MAX    2048u /* bytes of a message that is kept */
#define KNOWN_BLOCK  (8u << 10)

/*
 * Most of a record was in one before: the container, the pod, the process. A message of the same
 * bytes is the same message.
 */
struct known {
	struct decoder_known is;
	size_t len; /* 0: none */
	uint8_t bytes[KNOWN_MAX];
	struct blocks memory;
};

struct decoder {
	struct blocks memory; /* of this record */
	struct blocks *into;  /* that, or that of a known message */
	const ProtobufCFieldDescriptor *known_fields[KNOWN_FIELDS];
	struct known known[KNOWN_FIELDS][KNOWN_CNT];
	struct known *in_record[KNOWN_FIELDS]; /* of the last record; NULL: kept elsewhere */
	ProtobufCAllocator allocator;
};

static void forget(struct known *k)
{
	k->len = 0;
	free(k->is.text);
	k->is = (struct decoder_known){};
	blocks_reset(&k->memory);
}

static void *library_alloc(void *ctx, size_t size)
{
	return blocks_take_aligned(ctx, size);
}

static void library_free(void *ctx, void *p)
{
	(void)ctx;
	(void)p;
}

int decoder_new(struct decoder **ret_decoder)
{
	static const char *const names[KNOWN_FIELDS] = {"container", "pod", "process"};
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->memory.size = BLOCK_SIZE;
	for (size_t i = 0; i < KNOWN_FIELDS; i++) {
		d->known_fields[i] = protobuf_c_message_descriptor_get_field_by_name(
			&varve__v1__event__descriptor, names[i]);
		for (size_t j = 0; j < KNOWN_CNT; j++)
			d->known[i][j].memory.size = KNOWN_BLOCK;
	}
	d->allocator = (ProtobufCAllocator){library_alloc, library_free, &d->memory};
	*ret_decoder = d;
	return 0;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < KNOWN_FIELDS * KNOWN_CNT; i++) {
		struct known *k = &d->known[i / KNOWN_CNT][i % KNOWN_CNT];

		forget(k);
		blocks_fini(&k->memory);
	}
	blocks_fini(&d->memory);
	free(d);
}

/* --- messages */

static bool decode_message(struct decoder *d, const ProtobufCMessageDescriptor *desc, struct wire w,
			   ProtobufCMessage **ret_msg);

static bool decode_varint(const ProtobufCFieldDescriptor *f, struct wire *w, void *member)
{
	uint64_t v;

	if (!wire_varint(w, &v))
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

/* Index into known_fields; KNOWN_FIELDS: it is none of them. */
static size_t find_known_field(const struct decoder *d, const ProtobufCFieldDescriptor *f)
{
	size_t i = 0;

	while (i < KNOWN_FIELDS && d->known_fields[i] != f)
		i++;
	return i;
}

/* Each of them begins with what it is called by, which differs in its first bytes. */
static size_t find_slot(const uint8_t *p)
{
	uint64_t name;

	memcpy(&name, p + 2, sizeof(name));
	return (name * 0x9e3779b97f4a7c15ULL) >> 32 & (KNOWN_CNT - 1);
}

static bool make_known(struct decoder *d, const ProtobufCFieldDescriptor *f, const uint8_t *p,
		       size_t len, struct known *k)
{
	forget(k);
	d->into = &k->memory;
	if (decode_message(d, f->descriptor, (struct wire){p, p + len}, &k->is.msg)) {
		memcpy(k->bytes, p, len);
		k->len = len;
	}
	d->into = &d->memory;
	return k->len;
}

static bool decode_inner(struct decoder *d, const ProtobufCFieldDescriptor *f, const uint8_t *p,
			 size_t len, ProtobufCMessage **ret_msg)
{
	size_t i = find_known_field(d, f);

	if (i == KNOWN_FIELDS || len < 2 + sizeof(uint64_t) || len > KNOWN_MAX)
		return decode_message(d, f->descriptor, (struct wire){p, p + len}, ret_msg);
	struct known *k = &d->known[i][find_slot(p)];

	if ((k->len != len || memcmp(k->bytes, p, len) != 0) && !make_known(d, f, p, len, k))
		return false;
	d->in_record[i] = k;
	*ret_msg = k->is.msg;
	return true;
}

struct decoder_known *decoder_find_known(struct decoder *d, const ProtobufCMessage *msg)
{
	for (size_t i = 0; i < KNOWN_FIELDS; i++)
		if (d->in_record[i] && d->in_record[i]->is.msg == msg)
			return &d->in_record[i]->is;
	return NULL;
}

static bool decode_bytes(struct decoder *d, const ProtobufCFieldDescriptor *f, struct wire *w,
			 void *member)
{
	const uint8_t *p;
	size_t len;

	if (!wire_bytes(w, &p, &len))
		return false;
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return decode_inner(d, f, p, len, member);
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		char *s = blocks_take(d->into, len + 1);

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
	uint8_t *copy = blocks_take(d->into, len);

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

	while (wire_bytes(&w, &p, &len) && w.at < w.end && wire_tag(&w, &next, &type) &&
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
	char *list = cnt ? blocks_take_aligned(d->into, cnt * size) : NULL;
	uint32_t id;

	if (!list)
		return false;
	for (size_t i = 0; i < cnt; i++)
		if ((i && !wire_tag(w, &id, &type)) || !decode_bytes(d, f, w, list + i * size))
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
	ProtobufCMessage *msg = blocks_take_aligned(d->into, desc->sizeof_message);
	uint32_t id, last = 0;
	unsigned int type;

	if (!msg)
		return false;
	desc->message_init(msg);
	while (w.at < w.end) {
		if (!wire_tag(&w, &id, &type) || id <= last)
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

static void begin_record(struct decoder *d)
{
	blocks_reset(&d->memory);
	d->into = &d->memory;
	memset(d->in_record, 0, sizeof(d->in_record));
}

const Varve__V1__Event *decoder_event(struct decoder *d, const uint8_t *payload, size_t len)
{
	const ProtobufCMessageDescriptor *desc = &varve__v1__event__descriptor;
	ProtobufCMessage *msg;

	begin_record(d);
	if (!decode_message(d, desc, (struct wire){payload, payload + len}, &msg)) {
		begin_record(d);
		msg = protobuf_c_message_unpack(desc, &d->allocator, len, payload);
	}
	const Varve__V1__Event *ev = (const Varve__V1__Event *)msg;

	return ev && event_is_valid(ev) ? ev : NULL;
}
