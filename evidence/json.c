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
#include "evidence/text.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define BUF_SIZE  8192
#define FLOAT_LEN 32
#define NAME_LEN  256

struct printer {
	FILE *out;
	struct decoder *decoder; /* or NULL */
	size_t used;
	bool flushed;
	char buf[BUF_SIZE];
};

static void print_message(struct printer *p, const ProtobufCMessage *msg);

static void flush(struct printer *p)
{
	fwrite(p->buf, 1, p->used, p->out);
	p->used = 0;
	p->flushed = true;
}

/* Room for len bytes, which is less than the buffer has. */
static char *room(struct printer *p, size_t len)
{
	if (BUF_SIZE - p->used < len)
		flush(p);
	return p->buf + p->used;
}

static void put(struct printer *p, const char *s, size_t len)
{
	while (len > BUF_SIZE - p->used) {
		size_t n = BUF_SIZE - p->used;

		memcpy(p->buf + p->used, s, n);
		p->used += n;
		s += n;
		len -= n;
		flush(p);
	}
	memcpy(p->buf + p->used, s, len);
	p->used += len;
}

static void put_char(struct printer *p, char c)
{
	*room(p, 1) = c;
	p->used++;
}

#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static void print_escape(struct printer *p, uint32_t cp)
{
	char *to = room(p, 16);
	int n;

	if (cp == '"' || cp == '\\')
		n = sprintf(to, "\\%c", (int)cp);
	else if (cp == '\n')
		n = sprintf(to, "\\n");
	else if (cp == '\t')
		n = sprintf(to, "\\t");
	else if (cp == '\r')
		n = sprintf(to, "\\r");
	else if (cp < 0x10000)
		n = sprintf(to, "\\u%04x", cp);
	else
		n = sprintf(to, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
			    0xdc00 + ((cp - 0x10000) & 0x3ff));
	p->used += (size_t)n;
}

/* The character at s, which text_plain_len() does not know as plain: its length. */
static size_t print_special(struct printer *p, const char *s, size_t len)
{
	uint32_t cp;
	size_t n = text_decode(s, len, &cp);

	if (!n)
		PUT(p, "\xef\xbf\xbd");
	else if (cp == '"' || cp == '\\' || !text_is_harmless(cp))
		print_escape(p, cp);
	else
		put(p, s, n);
	return n ? n : 1;
}

static void print_rest_of_string(struct printer *p, const char *s, size_t len)
{
	while (len) {
		size_t n = text_plain_len(s, len);

		put(p, s, n);
		if (n < len)
			n += print_special(p, s + n, len - n);
		s += n;
		len -= n;
	}
	put_char(p, '"');
}

static void print_string(struct printer *p, const char *s)
{
	size_t len = s ? strlen(s) : 0, n = 0;

	put_char(p, '"');
	/* Nearly every string is short, and plain as a whole. */
	if (len < BUF_SIZE) {
		n = text_copy_plain(room(p, len), s, len);
		p->used += n;
	}
	print_rest_of_string(p, s + n, len - n);
}

static void print_base64(struct printer *p, const ProtobufCBinaryData *b)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	put_char(p, '"');
	for (size_t i = 0; i < b->len; i += 3) {
		size_t left = b->len - i;
		uint32_t v = (uint32_t)b->data[i] << 16;

		v |= left > 1 ? (uint32_t)b->data[i + 1] << 8 : 0;
		v |= left > 2 ? b->data[i + 2] : 0;
		put_char(p, digits[v >> 18]);
		put_char(p, digits[v >> 12 & 63]);
		put_char(p, left > 1 ? digits[v >> 6 & 63] : '=');
		put_char(p, left > 2 ? digits[v & 63] : '=');
	}
	put_char(p, '"');
}

static void print_unsigned(struct printer *p, uint64_t v)
{
	char *to = room(p, TEXT_NUMBER_LEN);

	p->used += text_format_unsigned(to, v);
}

static void print_signed(struct printer *p, int64_t v)
{
	if (v < 0)
		put_char(p, '-');
	print_unsigned(p, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void print_float(struct printer *p, double v, int digits)
{
	if (isnan(v))
		PUT(p, "\"NaN\"");
	else if (isinf(v) && v > 0)
		PUT(p, "\"Infinity\"");
	else if (isinf(v))
		PUT(p, "\"-Infinity\"");
	else
		p->used += (size_t)sprintf(room(p, FLOAT_LEN), "%.*g", digits, v);
}

static void print_enum(struct printer *p, const ProtobufCEnumDescriptor *desc, int value)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(desc, value);

	if (v)
		print_string(p, v->name);
	else
		print_signed(p, value);
}

/* One that was printed before comes as it was then; the text is kept if it lies in the buffer. */
static void print_inner(struct printer *p, const ProtobufCMessage *msg)
{
	struct decoder_known *known = p->decoder ? decoder_find_known(p->decoder, msg) : NULL;

	if (known && known->text) {
		put(p, known->text, known->text_len);
		return;
	}
	size_t begin = p->used;

	p->flushed = false;
	print_message(p, msg);
	if (!known || p->flushed)
		return;
	known->text = malloc(p->used - begin);
	if (!known->text)
		return;
	known->text_len = p->used - begin;
	memcpy(known->text, p->buf + begin, known->text_len);
}

static void print_value(struct printer *p, const ProtobufCFieldDescriptor *f, const void *at)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		print_signed(p, *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		print_unsigned(p, *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		put_char(p, '"');
		print_signed(p, *(const int64_t *)at);
		put_char(p, '"');
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		put_char(p, '"');
		print_unsigned(p, *(const uint64_t *)at);
		put_char(p, '"');
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		print_float(p, *(const float *)at, 9);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		print_float(p, *(const double *)at, 17);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		if (*(const protobuf_c_boolean *)at)
			PUT(p, "true");
		else
			PUT(p, "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(p, f->descriptor, *(const int *)at);
		break;
	case PROTOBUF_C_TYPE_STRING:
		print_string(p, *(const char *const *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		print_base64(p, at);
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

	put_char(p, '[');
	for (size_t i = 0; i < cnt; i++) {
		if (i)
			put_char(p, ',');
		print_value(p, f, elements + i * element_size(f));
	}
	put_char(p, ']');
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
	char *to = room(p, NAME_LEN);

	if (!first)
		*to++ = ',';
	*to++ = '"';
	to = stpcpy(to, name);
	*to++ = '"';
	*to++ = ':';
	p->used = (size_t)(to - p->buf);
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

	put_char(p, '{');
	for (const ProtobufCFieldDescriptor *end = f + desc->n_fields; f < end; f++) {
		if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
			f = pass_absent(msg, f, end - 1);
		if (!is_present(msg, f))
			continue;
		print_name(p, f->name, first);
		first = false;
		print_field(p, msg, f);
	}
	put_char(p, '}');
}

int json_print(FILE *out, const ProtobufCMessage *msg)
{
	return json_print_record(out, msg, NULL);
}

int json_print_record(FILE *out, const ProtobufCMessage *msg, struct decoder *d)
{
	struct printer p;

	p.out = out;
	p.decoder = d;
	p.used = 0;
	print_message(&p, msg);
	flush(&p);
	return ferror(out) ? -EIO : 0;
}
