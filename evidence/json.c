/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from protobuf-c's descriptors: nothing here knows the schema, so a field added to
 * varve.proto is printed without a change. The mapping is protobuf's own (ProtoJSON) with the proto
 * field names: what google.protobuf.json_format.MessageToJson(preserving_proto_field_name=True)
 * says.
 *
 * Output may reach a terminal: what text_print_escaped() would escape is \u-escaped here.
 */
#include "evidence/json.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_message(FILE *out, const ProtobufCMessage *msg);

static void print_escape(FILE *out, uint32_t cp)
{
	if (cp == '"' || cp == '\\')
		fprintf(out, "\\%c", (int)cp);
	else if (cp == '\n')
		fputs("\\n", out);
	else if (cp == '\t')
		fputs("\\t", out);
	else if (cp == '\r')
		fputs("\\r", out);
	else if (cp < 0x10000)
		fprintf(out, "\\u%04x", cp);
	else
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
			0xdc00 + ((cp - 0x10000) & 0x3ff));
}

static void print_string(FILE *out, const char *s)
{
	size_t len = s ? strlen(s) : 0, n;
	uint32_t cp;

	fputc('"', out);
	for (size_t i = 0; i < len; i += n) {
		n = text_decode(s + i, len - i, &cp);
		if (!n) {
			n = 1;
			fputs("\xef\xbf\xbd", out);
		} else if (cp == '"' || cp == '\\' || !text_is_harmless(cp)) {
			print_escape(out, cp);
		} else {
			fwrite(s + i, 1, n, out);
		}
	}
	fputc('"', out);
}

static void print_base64(FILE *out, const ProtobufCBinaryData *b)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	fputc('"', out);
	for (size_t i = 0; i < b->len; i += 3) {
		size_t left = b->len - i;
		uint32_t v = (uint32_t)b->data[i] << 16;

		v |= left > 1 ? (uint32_t)b->data[i + 1] << 8 : 0;
		v |= left > 2 ? b->data[i + 2] : 0;
		fputc(digits[v >> 18], out);
		fputc(digits[v >> 12 & 63], out);
		fputc(left > 1 ? digits[v >> 6 & 63] : '=', out);
		fputc(left > 2 ? digits[v & 63] : '=', out);
	}
	fputc('"', out);
}

static void print_float(FILE *out, double v, int digits)
{
	if (isnan(v))
		fputs("\"NaN\"", out);
	else if (isinf(v))
		fputs(v > 0 ? "\"Infinity\"" : "\"-Infinity\"", out);
	else
		fprintf(out, "%.*g", digits, v);
}

static void print_enum(FILE *out, const ProtobufCEnumDescriptor *desc, int value)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(desc, value);

	if (v)
		print_string(out, v->name);
	else
		fprintf(out, "%d", value);
}

static void print_value(FILE *out, const ProtobufCFieldDescriptor *f, const void *p)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		fprintf(out, "%" PRId32, *(const int32_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		fprintf(out, "%" PRIu32, *(const uint32_t *)p);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		fprintf(out, "\"%" PRId64 "\"", *(const int64_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		fprintf(out, "\"%" PRIu64 "\"", *(const uint64_t *)p);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		print_float(out, *(const float *)p, 9);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		print_float(out, *(const double *)p, 17);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		fputs(*(const protobuf_c_boolean *)p ? "true" : "false", out);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(out, f->descriptor, *(const int *)p);
		break;
	case PROTOBUF_C_TYPE_STRING:
		print_string(out, *(const char *const *)p);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		print_base64(out, p);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		print_message(out, *(const ProtobufCMessage *const *)p);
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

static void print_array(FILE *out, const ProtobufCFieldDescriptor *f, const void *member,
			size_t cnt)
{
	const char *elements = *(const char *const *)member;

	fputc('[', out);
	for (size_t i = 0; i < cnt; i++) {
		if (i)
			fputc(',', out);
		print_value(out, f, elements + i * element_size(f));
	}
	fputc(']', out);
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
		const void *p = *(const void *const *)member;

		return p && p != f->default_value;
	}
	if (f->label == PROTOBUF_C_LABEL_OPTIONAL && !(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return *(const protobuf_c_boolean *)quantifier;
	return true;
}

static void print_message(FILE *out, const ProtobufCMessage *msg)
{
	const ProtobufCMessageDescriptor *desc = msg->descriptor;
	const char *base = (const char *)msg, *comma = "";

	fputc('{', out);
	for (unsigned int i = 0; i < desc->n_fields; i++) { /* sorted by number */
		const ProtobufCFieldDescriptor *f = &desc->fields[i];

		if (!is_present(msg, f))
			continue;
		fprintf(out, "%s\"%s\":", comma, f->name);
		comma = ",";
		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			print_array(out, f, base + f->offset,
				    *(const size_t *)(base + f->quantifier_offset));
		else
			print_value(out, f, base + f->offset);
	}
	fputc('}', out);
}

int json_print(FILE *out, const ProtobufCMessage *msg)
{
	print_message(out, msg);
	return ferror(out) ? -EIO : 0;
}
