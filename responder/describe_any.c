/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of kinds that have no words of their own, from protobuf-c's descriptors: what is there, as
 * "name=value", files and endpoints as everywhere, and how it failed.
 */
#include "evidence/base.h"
#include "responder/describe.h"
#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX 3
#define LIST_MAX  8 /* elements of a list that are shown */

static void print_message(FILE *out, const ProtobufCMessage *msg, unsigned int depth);

void describe_failure(FILE *out, uint32_t call_errno)
{
	const char *name = strerrorname_np(call_errno);

	fprintf(out, " failed: ");
	if (name)
		fprintf(out, "%s (%s)", name, strerror(call_errno));
	else
		fprintf(out, "errno %" PRIu32, call_errno);
}

static void print_enum_or_number(FILE *out, const ProtobufCFieldDescriptor *f, const void *at)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_BOOL:
		fputs(*(const protobuf_c_boolean *)at ? "yes" : "no", out);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		fprintf(out, "%" PRId32, *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		fprintf(out, "%" PRId64, *(const int64_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		fprintf(out, "%" PRIu64, *(const uint64_t *)at);
		break;
	default:
		fprintf(out, "%" PRIu32, *(const uint32_t *)at);
	}
}

static void print_value(FILE *out, const ProtobufCFieldDescriptor *f, const void *at,
			unsigned int depth)
{
	const ProtobufCBinaryData *bytes = at;

	if (f->type == PROTOBUF_C_TYPE_STRING)
		describe_string(out, *(const char *const *)at);
	else if (f->type == PROTOBUF_C_TYPE_BYTES)
		fprintf(out, "(%zu bytes)", bytes->len);
	else if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		print_message(out, *(const ProtobufCMessage *const *)at, depth);
	else
		print_enum_or_number(out, f, at);
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	default:
		return 4;
	}
}

static void print_list(FILE *out, const ProtobufCFieldDescriptor *f, const ProtobufCMessage *msg,
		       unsigned int depth)
{
	size_t cnt = *(const size_t *)((const char *)msg + f->quantifier_offset);
	const char *list = *(const char *const *)((const char *)msg + f->offset);

	for (size_t i = 0; i < cnt && i < LIST_MAX; i++) {
		fputs(i ? ", " : "", out);
		print_value(out, f, list + i * size_of(f), depth);
	}
	if (cnt > LIST_MAX)
		fprintf(out, " and %zu more", cnt - LIST_MAX);
}

static bool is_there(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *msg)
{
	const char *at = (const char *)msg + f->offset;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)((const char *)msg + f->quantifier_offset);
	if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(const void *const *)at;
	return *(const protobuf_c_boolean *)((const char *)msg + f->quantifier_offset);
}

/* The exact bytes of a text stand for it in JSON; here the text itself does. */
static bool is_raw(const ProtobufCFieldDescriptor *f)
{
	size_t len = strlen(f->name);

	return len > 4 && !strcmp(f->name + len - 4, "_raw");
}

static void print_endpoint(FILE *out, const Varve__V1__Endpoint *e)
{
	describe_string(out, e->ip);
	if (e->has_port)
		fprintf(out, " port %" PRIu32, e->port);
}

static void print_fields(FILE *out, const ProtobufCMessage *msg, unsigned int depth)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	bool first = true;

	for (unsigned int i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (!is_there(f, msg) || is_raw(f) || !strcmp(f->name, "call_errno"))
			continue;
		fprintf(out, "%s%s=", first ? "" : " ", f->name);
		first = false;
		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			print_list(out, f, msg, depth);
		else
			print_value(out, f, (const char *)msg + f->offset, depth);
	}
}

static void print_message(FILE *out, const ProtobufCMessage *msg, unsigned int depth)
{
	if (msg->descriptor == &varve__v1__file__descriptor) {
		describe_file(out, (const Varve__V1__File *)msg);
	} else if (msg->descriptor == &varve__v1__endpoint__descriptor) {
		print_endpoint(out, (const Varve__V1__Endpoint *)msg);
	} else if (depth < DEPTH_MAX) {
		fputc('{', out);
		print_fields(out, msg, depth + 1);
		fputc('}', out);
	}
}

static const ProtobufCFieldDescriptor *find_errno(const ProtobufCMessage *body)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "call_errno");

	return f && f->type == PROTOBUF_C_TYPE_UINT32 && is_there(f, body) ? f : NULL;
}

static const ProtobufCMessage *find_body(const Varve__V1__Event *ev)
{
	const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(
		&varve__v1__event__descriptor, ev->body_case);

	if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	return *(const ProtobufCMessage *const *)((const char *)ev + f->offset);
}

bool describe_errno(const Varve__V1__Event *ev, uint32_t *ret_errno)
{
	const ProtobufCMessage *body = find_body(ev);
	const ProtobufCFieldDescriptor *f = body ? find_errno(body) : NULL;

	if (f)
		*ret_errno = *(const uint32_t *)((const char *)body + f->offset);
	return f;
}

void describe_any(FILE *out, const Varve__V1__Event *ev)
{
	const ProtobufCMessage *body = find_body(ev);
	uint32_t call_errno;

	if (!body)
		return;
	print_fields(out, body, 0);
	if (describe_errno(ev, &call_errno))
		describe_failure(out, call_errno);
}
