/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function per kind that says it better, in a table; of any other kind its texts and paths:
 * what is a number (a descriptor, an address, a pid) differs each time.
 */
#include "responder/deed_text.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/parts.h"
#include "responder/secrets.h"
#include <inttypes.h>
#include <string.h>

#define EXECUTED  "executed"
#define CAME_IN	  "came in"
#define PRIVILEGE "changed privileges"
#define CREATED	  "created"
#define WROTE	  "wrote"
#define SECRET	  "read secret"
#define REFUSED	  "could not open"
#define TALKED	  "destination"
#define FAILED	  "destination that failed"
#define PEER	  "accepted from"
#define LOOKED_UP "looked up"

struct telling {
	const Varve__V1__Event *ev;
	const struct usual *u;
	deed_fn fn;
	void *ctx;
	FILE *out; /* of the deed that is being told */
	char *text;
	size_t len;
};

static void begin(struct telling *t)
{
	t->text = NULL;
	t->out = open_memstream(&t->text, &t->len);
	if (!t->out)
		memory_exhausted();
}

static void end(struct telling *t, const char *sort)
{
	if (fclose(t->out) || !t->text)
		memory_exhausted();
	if (t->len)
		t->fn(sort, t->text, t->len, t->ctx);
	free(t->text);
}

/* What no pid can be part of: an address, a name. */
static void put_name(struct telling *t, const char *s)
{
	usual_print(t->out, t->u, NULL, s ? s : "?", s ? strlen(s) : 1);
}

static void put(struct telling *t, const char *s)
{
	usual_print(t->out, t->u, t->ev->process, s ? s : "?", s ? strlen(s) : 1);
}

static void put_file(struct telling *t, const Varve__V1__File *f)
{
	if (f && f->has_path_raw)
		usual_print(t->out, t->u, t->ev->process, (const char *)f->path_raw.data,
			    f->path_raw.len);
	else
		put(t, f ? f->path : NULL);
	if (f && f->has_memfd && f->memfd)
		fputs(" [memfd]", t->out);
}

static void tell_file(struct telling *t, const char *sort, const Varve__V1__File *f)
{
	begin(t);
	put_file(t, f);
	end(t, sort);
}

static bool is_loopback(const char *ip)
{
	return !strncmp(ip, "127.", 4) || !strcmp(ip, "::1");
}

/* Its own address under another is its own all the same; loopback is everybody's. */
static void put_endpoint(struct telling *t, const Varve__V1__Endpoint *e,
			 const Varve__V1__Endpoint *own, bool with_port)
{
	bool is_own =
		e && own && e->ip && own->ip && !strcmp(e->ip, own->ip) && !is_loopback(e->ip);

	if (is_own)
		fputs("<pod IP>", t->out);
	else
		put_name(t, e ? e->ip : NULL);
	if (with_port && e && e->has_port)
		fprintf(t->out, " port %" PRIu32, e->port);
}

/*
 * What it ran as: a script, or the name by which a program of many names was called. On an image of
 * busybox or Python the file alone is always the same.
 */
static void put_calling(struct telling *t, const Varve__V1__Exec *x)
{
	const char *slash = x->file && x->file->path ? strrchr(x->file->path, '/') : NULL;
	const char *name = x->n_args ? strrchr(x->args[0], '/') : NULL;

	name = name ? name + 1 : x->n_args ? x->args[0] : NULL;
	if (x->interpreter && x->filename) {
		fputs(" runs ", t->out);
		put(t, x->filename);
	} else if (name && slash && strcmp(name, slash + 1)) {
		fputs(" as ", t->out);
		put(t, name);
	}
}

static void tell_exec(struct telling *t)
{
	begin(t);
	put_file(t, t->ev->exec->file);
	put_calling(t, t->ev->exec);
	end(t, EXECUTED);
}

static void tell_snapshot(struct telling *t)
{
	tell_file(t, EXECUTED, t->ev->process_snapshot->exe);
}

static void tell_hash(struct telling *t)
{
	if (!t->ev->file_hash->sha256)
		return;
	begin(t);
	fprintf(t->out, "%.64s  ", t->ev->file_hash->sha256);
	put_file(t, t->ev->file_hash->file);
	end(t, DEED_HASHED);
}

static void tell_open(struct telling *t)
{
	const Varve__V1__Open *o = t->ev->open;

	if (o->has_call_errno && o->call_errno == ENOENT && !secrets_is_secret_file(o->file))
		return;
	if (o->has_call_errno)
		tell_file(t, REFUSED, o->file);
	else if (o->has_created && o->created)
		tell_file(t, CREATED, o->file);
	else if (o->has_written && o->written)
		tell_file(t, WROTE, o->file);
	else if (secrets_is_secret_file(o->file))
		tell_file(t, SECRET, o->file);
}

static void tell_connect(struct telling *t)
{
	const Varve__V1__Connect *c = t->ev->connect;

	begin(t);
	put_name(t, c->protocol);
	fputc(' ', t->out);
	put_endpoint(t, c->destination, c->source, true);
	end(t, parts_failed(t->ev) ? FAILED : TALKED);
}

/* The peer's port is another each time, and so is that of one who only asks. */
static void tell_peer(struct telling *t, const char *protocol, const Varve__V1__Endpoint *peer,
		      const Varve__V1__Endpoint *own)
{
	begin(t);
	put_name(t, protocol);
	fputc(' ', t->out);
	put_endpoint(t, peer, own, false);
	if (own && own->has_port)
		fprintf(t->out, " at port %" PRIu32, own->port);
	end(t, PEER);
}

static void tell_accept(struct telling *t)
{
	const Varve__V1__Accept *a = t->ev->accept;

	tell_peer(t, a->protocol, a->source, a->destination);
}

static void tell_flow(struct telling *t)
{
	const Varve__V1__UdpFlow *f = t->ev->udp_flow;

	if (f->direction && !strcmp(f->direction, "inbound")) {
		tell_peer(t, f->protocol, f->source, f->destination);
		return;
	}
	begin(t);
	put_name(t, f->protocol);
	fputc(' ', t->out);
	put_endpoint(t, f->destination, f->source, true);
	end(t, TALKED);
}

/* A port that the kernel chose is another each time. */
static void tell_bind(struct telling *t)
{
	const Varve__V1__Bind *b = t->ev->bind;
	bool is_chosen = b->requested && (!b->requested->has_port || !b->requested->port);

	begin(t);
	put_name(t, b->protocol);
	fputc(' ', t->out);
	if (b->address)
		put_endpoint(t, b->address, NULL, !is_chosen);
	else if (b->file)
		put_file(t, b->file);
	else
		put(t, b->unix_path);
	fputs(parts_failed(t->ev) ? " failed" : "", t->out);
	end(t, "bind");
}

static void tell_dns(struct telling *t)
{
	const Varve__V1__Dns *d = t->ev->dns;

	for (size_t i = 0; i < d->n_messages; i++) {
		for (size_t q = 0; q < d->messages[i]->n_questions; q++) {
			begin(t);
			put_name(t, d->messages[i]->questions[q]->name);
			end(t, LOOKED_UP);
		}
	}
}

static void tell_credentials(struct telling *t)
{
	const Varve__V1__Credentials *c = t->ev->credentials;
	const Varve__V1__CredentialSet *s = c->after;

	begin(t);
	put(t, c->call);
	if (s)
		fprintf(t->out,
			": uid %" PRIu32 " euid %" PRIu32 " gid %" PRIu32 " egid %" PRIu32
			" capabilities %016" PRIx64,
			s->uid, s->euid, s->gid, s->egid, s->cap_effective);
	if (c->has_call_errno)
		fputs(" failed", t->out);
	end(t, PRIVILEGE);
}

static void tell_session(struct telling *t)
{
	begin(t);
	put(t, t->ev->exec_session->how);
	fputs(" by ", t->out);
	put(t, t->ev->exec_session->by ? t->ev->exec_session->by->name : NULL);
	end(t, CAME_IN);
}

static void tell_signal(struct telling *t)
{
	const Varve__V1__Signal *s = t->ev->signal;

	begin(t);
	fprintf(t->out, "%" PRIu32 " to ", s->signal);
	put(t, s->target ? s->target->name : NULL);
	end(t, "signal");
}

/* What begins and ends without end, and what others say better. */
static void tell_nothing(struct telling *t)
{
	(void)t;
}

#define BODY(name) VARVE__V1__EVENT__BODY_##name

static const struct {
	Varve__V1__Event__BodyCase body;
	void (*fn)(struct telling *t);
} tellers[] = {
	{BODY(EXEC), tell_exec},
	{BODY(PROCESS_SNAPSHOT), tell_snapshot},
	{BODY(FILE_HASH), tell_hash},
	{BODY(OPEN), tell_open},
	{BODY(CONNECT), tell_connect},
	{BODY(ACCEPT), tell_accept},
	{BODY(UDP_FLOW), tell_flow},
	{BODY(BIND), tell_bind},
	{BODY(DNS), tell_dns},
	{BODY(CREDENTIALS), tell_credentials},
	{BODY(EXEC_SESSION), tell_session},
	{BODY(SIGNAL), tell_signal},
	{BODY(FORK), tell_nothing},
	{BODY(EXIT), tell_nothing},
	{BODY(COMM), tell_nothing},
	{BODY(CLOSE), tell_nothing},
	{BODY(CLOSE_WRITE), tell_nothing},
	{BODY(CONTAINER_START), tell_nothing},
	{BODY(CONTAINER_STOP), tell_nothing},
};

/* --- any other kind */

static void put_field(struct telling *t, const ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *f)
{
	const void *at = *(const void *const *)((const char *)msg + f->offset);
	const ProtobufCMessage *inner = at;

	if (f->label == PROTOBUF_C_LABEL_REPEATED || !at)
		return;
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		fprintf(t->out, "%s%s ", ftello(t->out) ? " " : "", f->name);
		put(t, at);
	} else if (inner->descriptor == &varve__v1__file__descriptor) {
		fputs(ftello(t->out) ? " " : "", t->out);
		put_file(t, at);
	} else if (inner->descriptor == &varve__v1__endpoint__descriptor) {
		fputs(ftello(t->out) ? " " : "", t->out);
		put_endpoint(t, at, NULL, true);
	} else if (inner->descriptor == &varve__v1__other_process__descriptor) {
		fputs(ftello(t->out) ? " of " : "of ", t->out);
		put(t, ((const Varve__V1__OtherProcess *)at)->name);
	}
}

static void tell_any(struct telling *t)
{
	const ProtobufCMessage *body = parts_body(t->ev);
	const char *label = event_kind_label(t->ev->body_case);

	if (!body || !label)
		return;
	begin(t);
	for (unsigned int i = 0; i < body->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &body->descriptor->fields[i];

		if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE)
			put_field(t, body, f);
	}
	/* One without any text is one all the same. */
	fputs(parts_failed(t->ev) ? " failed" : ftello(t->out) ? "" : "done", t->out);
	end(t, label);
}

void deed_text(const Varve__V1__Event *ev, const struct usual *u, deed_fn fn, void *ctx)
{
	struct telling t = {.ev = ev, .u = u, .fn = fn, .ctx = ctx};

	/* What the runtime does before the container's own program differs by chance. */
	if (!parts_body(ev) ||
	    (ev->process && ev->process->has_runtime_setup && ev->process->runtime_setup))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(tellers); i++) {
		if (tellers[i].body == ev->body_case) {
			tellers[i].fn(&t);
			return;
		}
	}
	tell_any(&t);
}

unsigned int deed_rank(const char *sort)
{
	static const char *const order[] = {CAME_IN,   EXECUTED, DEED_HASHED, PRIVILEGE,
					    SECRET,    TALKED,	 FAILED,      PEER,
					    LOOKED_UP, CREATED,	 WROTE,	      REFUSED};

	for (unsigned int i = 0; i < ARRAY_SIZE(order); i++)
		if (!strcmp(sort, order[i]))
			return i;
	return ARRAY_SIZE(order);
}
