/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By protobuf-c's descriptors, so that a kind that is added needs no line here: a File or an
 * Endpoint is one wherever it is; texts are what they are by the name of the field.
 */
#include "responder/parts.h"
#include "evidence/base.h"
#include <string.h>

#define DEPTH_MAX 4

struct walk {
	parts_fn fn;
	void *ctx;
};

static bool walk_message(const struct walk *w, const ProtobufCMessage *msg, unsigned int depth);

static bool is_there(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *msg)
{
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return false;
	if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(const void *const *)((const char *)msg + f->offset);
	return *(const protobuf_c_boolean *)((const char *)msg + f->quantifier_offset);
}

static bool give_text(const struct walk *w, enum parts_what what, const char *s, bool has_raw,
		      ProtobufCBinaryData raw)
{
	struct part part = {.what = what, .s = s, .len = s ? strlen(s) : 0};

	if (has_raw) {
		part.s = (const char *)raw.data;
		part.len = raw.len;
	}
	return part.s && w->fn(&part, w->ctx);
}

static bool give_file(const struct walk *w, const Varve__V1__File *file)
{
	struct part part = {.what = PARTS_PATH, .file = file, .s = file->path};

	if (file->has_path_raw) {
		part.s = (const char *)file->path_raw.data;
		part.len = file->path_raw.len;
	} else if (file->path) {
		part.len = strlen(file->path);
	}
	return part.s && w->fn(&part, w->ctx);
}

static bool give_endpoint(const struct walk *w, const Varve__V1__Endpoint *e)
{
	const struct part part = {
		.what = PARTS_ADDRESS, .s = e->ip, .len = e->ip ? strlen(e->ip) : 0, .endpoint = e};

	return e->ip && w->fn(&part, w->ctx);
}

/* A name in the answers; what it stands for is another name, or an address. */
static bool give_dns_record(const struct walk *w, const Varve__V1__DnsRecord *r)
{
	const ProtobufCBinaryData none = {};
	bool is_address = r->type && (!strcmp(r->type, "A") || !strcmp(r->type, "AAAA"));
	bool is_name = r->type && (!strcmp(r->type, "CNAME") || !strcmp(r->type, "NS") ||
				   !strcmp(r->type, "PTR") || !strcmp(r->type, "DNAME"));

	return give_text(w, PARTS_NAME, r->name, false, none) ||
	       (is_address && give_text(w, PARTS_ADDRESS, r->data, false, none)) ||
	       (is_name && give_text(w, PARTS_NAME, r->data, false, none));
}

static bool give_dns_question(const struct walk *w, const Varve__V1__DnsQuestion *q)
{
	return give_text(w, PARTS_NAME, q->name, false, (ProtobufCBinaryData){});
}

static bool walk_one(const struct walk *w, const ProtobufCMessage *msg, unsigned int depth)
{
	if (msg->descriptor == &varve__v1__file__descriptor)
		return give_file(w, (const Varve__V1__File *)msg);
	if (msg->descriptor == &varve__v1__endpoint__descriptor)
		return give_endpoint(w, (const Varve__V1__Endpoint *)msg);
	if (msg->descriptor == &varve__v1__dns_question__descriptor)
		return give_dns_question(w, (const Varve__V1__DnsQuestion *)msg);
	if (msg->descriptor == &varve__v1__dns_record__descriptor)
		return give_dns_record(w, (const Varve__V1__DnsRecord *)msg);
	return depth < DEPTH_MAX && walk_message(w, msg, depth + 1);
}

static bool is_path_name(const char *name)
{
	static const char *const names[] = {"path",	 "filename",  "interpreter", "target",
					    "unix_path", "requested", "peer_name",   "put_old"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* The exact bytes are in NAME_raw, if there are others than the text. */
static bool walk_text(const struct walk *w, const ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *f)
{
	const char *s = *(const char *const *)((const char *)msg + f->offset);
	const ProtobufCFieldDescriptor *raw;
	ProtobufCBinaryData bytes = {};
	bool has_raw = false;
	char name[64];

	if (!is_path_name(f->name))
		return false;
	snprintf(name, sizeof(name), "%s_raw", f->name);
	raw = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);
	if (raw && raw->type == PROTOBUF_C_TYPE_BYTES && is_there(raw, msg)) {
		bytes = *(const ProtobufCBinaryData *)((const char *)msg + raw->offset);
		has_raw = true;
	}
	return give_text(w, PARTS_PATH, s, has_raw, bytes);
}

static bool walk_list(const struct walk *w, const ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *f, unsigned int depth)
{
	size_t cnt = *(const size_t *)((const char *)msg + f->quantifier_offset);
	ProtobufCMessage *const *list =
		*(ProtobufCMessage *const *const *)((const char *)msg + f->offset);

	for (size_t i = 0; i < cnt; i++)
		if (walk_one(w, list[i], depth))
			return true;
	return false;
}

static bool walk_field(const struct walk *w, const ProtobufCMessage *msg,
		       const ProtobufCFieldDescriptor *f, unsigned int depth)
{
	bool is_message = f->type == PROTOBUF_C_TYPE_MESSAGE;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return is_message && walk_list(w, msg, f, depth);
	if ((!is_message && f->type != PROTOBUF_C_TYPE_STRING) || !is_there(f, msg))
		return false;
	if (is_message)
		return walk_one(w, *(ProtobufCMessage *const *)((const char *)msg + f->offset),
				depth);
	return walk_text(w, msg, f);
}

static bool walk_message(const struct walk *w, const ProtobufCMessage *msg, unsigned int depth)
{
	for (unsigned int i = 0; i < msg->descriptor->n_fields; i++)
		if (walk_field(w, msg, &msg->descriptor->fields[i], depth))
			return true;
	return false;
}

const ProtobufCMessage *parts_body(const Varve__V1__Event *ev)
{
	const ProtobufCFieldDescriptor *f;

	if (!ev->body_case)
		return NULL;
	f = protobuf_c_message_descriptor_get_field(&varve__v1__event__descriptor, ev->body_case);
	if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	return *(const ProtobufCMessage *const *)((const char *)ev + f->offset);
}

bool parts_each(const Varve__V1__Event *ev, parts_fn fn, void *ctx)
{
	const struct walk w = {fn, ctx};
	const ProtobufCMessage *body = parts_body(ev);

	return body && walk_message(&w, body, 0);
}

static uint32_t number_of(const ProtobufCMessage *body, const char *name)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(body->descriptor, name);

	if (!f || f->type != PROTOBUF_C_TYPE_UINT32 || !is_there(f, body))
		return 0;
	return *(const uint32_t *)((const char *)body + f->offset);
}

/* A connection that is in progress is no failure. */
static bool connect_failed(const Varve__V1__Connect *c)
{
	return c->outcome ? !strcmp(c->outcome, "failed") : c->has_call_errno;
}

bool parts_failed(const Varve__V1__Event *ev)
{
	const ProtobufCMessage *body = parts_body(ev);

	if (!body)
		return false;
	if (ev->body_case == VARVE__V1__EVENT__BODY_CONNECT)
		return connect_failed(ev->connect);
	return ev->body_case == VARVE__V1__EVENT__BODY_EXEC_FAILED ||
	       number_of(body, "call_errno") || number_of(body, "error_errno");
}
