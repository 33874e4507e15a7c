/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from protobuf-c's descriptors: nothing here knows the schema, so a field added to
 * varve.proto is printed without a change. The mapping is protobuf's own (ProtoJSON) with the proto
 * field names: what google.protobuf.json_format.MessageToJson(preserving_proto_field_name=True)
 * says.
 *
 * Output may reach a terminal: what text_print_escaped() would escape is \u-escaped here.
 *
 * A million records have two hundred million values: the text is made in a buffer, by hand, and
 * given to the stream in large pieces.
 */
#include "evidence/json.h"
#include "evidence/base.h"
#include "evidence/decoder.h"
#include "evidence/json_text.h"
#include <string.h>

#define NAME_LEN 256

struct printer {
	struct json_text text;
	struct decoder *decoder; /* or NULL */
};

static void print_message(struct printer *p, const ProtobufCMessage *msg);

static void print_enum(struct printer *p, const ProtobufCEnumDescriptor *desc, int value)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(desc, value);

	if (v)
		json_text_string(&p->text, v->name);
	else
		json_text_signed(&p->text, value);
}

/* One that was printed before comes as it was then; the text is kept if it lies in the buffer. */
static void print_inner(struct printer *p, const ProtobufCMessage *msg)
{
	struct decoder_known *known = p->decoder ? decoder_find_known(p->decoder, msg) : NULL;

	if (known && known->text) {
		json_text_put(&p->text, known->text, known->text_len);
		return;
	}
	size_t begin = p->text.used;

	/* Those within a known one must not hide from it that the buffer was given away. */
	if (known)
		p->text.flushed = false;
	print_message(p, msg);
	if (!known || p->text.flushed)
		return;
	known->text_len = p->text.used - begin;
	known->text = malloc(known->text_len);
	if (known->text)
		memcpy(known->text, p->text.buf + begin, known->text_len);
}

static void print_value(struct printer *p, const ProtobufCFieldDescriptor *f, const void *at)
{
	struct json_text *t = &p->text;

	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		json_text_signed(t, *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		json_text_unsigned(t, *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		json_text_char(t, '"');
		json_text_signed(t, *(const int64_t *)at);
		json_text_char(t, '"');
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		json_text_char(t, '"');
		json_text_unsigned(t, *(const uint64_t *)at);
		json_text_char(t, '"');
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		json_text_float(t, *(const float *)at, 9);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		json_text_float(t, *(const double *)at, 17);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		if (*(const protobuf_c_boolean *)at)
			JSON_TEXT_PUT(t, "true");
		else
			JSON_TEXT_PUT(t, "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(p, f->descriptor, *(const int *)at);
		break;
	case PROTOBUF_C_TYPE_STRING:
		json_text_string(t, *(const char *const *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		json_text_base64(t, at);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		print_inner(p, *(const ProtobufCMessage *const *)at);
		break;
	}
}

/* Size of one element of a repeated field, in memory. */
static size_t element_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return 4;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_ENUM:
		return sizeof(int);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 8;
	}
}

_Static_assert(sizeof(void *) == 8, "element_size() counts on 64-bit pointers");

static void print_array(struct printer *p, const ProtobufCFieldDescriptor *f, const void *member,
			size_t cnt)
{
	const char *elements = *(const char *const *)member;

	json_text_char(&p->text, '[');
	for (size_t i = 0; i < cnt; i++) {
		if (i)
			json_text_char(&p->text, ',');
		print_value(p, f, elements + i * element_size(f));
	}
	json_text_char(&p->text, ']');
}

static bool is_present(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
	const char *base = (const char *)msg;
	const void *member = base + f->offset, *quantifier = base + f->quantifier_offset;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)quantifier > 0;
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && *(const uint32_t *)quantifier != f->id)
		return false;
	if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) {
		const void *v = *(const void *const *)member;

		return v && v != f->default_value;
	}
	if (f->label == PROTOBUF_C_LABEL_OPTIONAL && !(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return *(const protobuf_c_boolean *)quantifier;
	return true;
}

/* Names are the schema's, and shorter than that. */
static void print_name(struct printer *p, const char *name, bool first)
{
	char *to = json_text_room(&p->text, NAME_LEN);

	if (!first)
		*to++ = ',';
	*to++ = '"';
	to = stpcpy(to, name);
	*to++ = '"';
	*to++ = ':';
	p->text.used = (size_t)(to - p->text.buf);
}

/* Of a oneof's fields, which can be many, only the one that is there is looked at. */
static const ProtobufCFieldDescriptor *pass_absent(const ProtobufCMessage *msg,
						   const ProtobufCFieldDescriptor *f,
						   const ProtobufCFieldDescriptor *last)
{
	uint32_t id = *(const uint32_t *)((const char *)msg + f->quantifier_offset);

	while (f < last && f->id != id && f[1].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
	       f[1].quantifier_offset == f->quantifier_offset)
		f++;
	return f;
}

static void print_field(struct printer *p, const ProtobufCMessage *msg,
			const ProtobufCFieldDescriptor *f)
{
	const char *base = (const char *)msg;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		print_array(p, f, base + f->offset, *(const size_t *)(base + f->quantifier_offset));
	else
		print_value(p, f, base + f->offset);
}

static void print_message(struct printer *p, const ProtobufCMessage *msg)
{
	const ProtobufCMessageDescriptor *desc = msg->descriptor;
	const ProtobufCFieldDescriptor *f = desc->fields; /* sorted by number */
	bool first = true;

	json_text_char(&p->text, '{');
	for (const ProtobufCFieldDescriptor *end = f + desc->n_fields; f < end; f++) {
		if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
			f = pass_absent(msg, f, end - 1);
		if (!is_present(msg, f))
			continue;
		print_name(p, f->name, first);
		first = false;
		print_field(p, msg, f);
	}
	json_text_char(&p->text, '}');
}

int json_print(FILE *out, const ProtobufCMessage *msg)
{
	return json_print_record(out, msg, NULL);
}

int json_print_record(FILE *out, const ProtobufCMessage *msg, struct decoder *d)
{
	struct printer p;

	p.text.out = out;
	p.text.used = 0;
	p.decoder = d;
	print_message(&p, msg);
	json_text_flush(&p.text);
	return ferror(out) ? -EIO : 0;
}
