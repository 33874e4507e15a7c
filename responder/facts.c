/* SPDX-License-Identifier: Apache-2.0 */
/* See facts.h. A plan per kind is made once: which member of the body goes to which fact. */
#include "responder/facts.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include <arpa/inet.h>
#include <string.h>

#define KIND_MAX 128
#define STEP_MAX 24

#define FACT(name) offsetof(struct facts, name)
#define FILE_TYPE  (&varve__v1__file__descriptor)
#define END_TYPE   (&varve__v1__endpoint__descriptor)
#define OTHER_TYPE (&varve__v1__other_process__descriptor)
#define TEXT	   NULL

/* Of two fields for the same fact the first one here that is there is taken. */
static const struct {
	const char *field;
	const ProtobufCMessageDescriptor *type; /* TEXT: a string */
	size_t to;
} pointers[] = {
	{"file", FILE_TYPE, FACT(file)},
	{"exe", FILE_TYPE, FACT(file)},
	{"old_file", FILE_TYPE, FACT(file)},
	{"target", FILE_TYPE, FACT(file)},
	{"root", FILE_TYPE, FACT(file)},
	{"new_file", FILE_TYPE, FACT(other_file)},
	{"source_file", FILE_TYPE, FACT(other_file)},
	{"cwd", FILE_TYPE, FACT(cwd)},
	{"source", END_TYPE, FACT(source)},
	{"destination", END_TYPE, FACT(destination)},
	{"address", END_TYPE, FACT(destination)},
	{"requested", END_TYPE, FACT(destination)},
	{"target", OTHER_TYPE, FACT(other)},
	{"child", OTHER_TYPE, FACT(other)},
	{"by", OTHER_TYPE, FACT(other)},
	{"trigger", OTHER_TYPE, FACT(other)},
	{"protocol", TEXT, FACT(protocol)},
	{"call", TEXT, FACT(call)},
	{"operation", TEXT, FACT(call)},
	{"command", TEXT, FACT(call)},
	{"request_name", TEXT, FACT(call)},
	{"unix_path", TEXT, FACT(unix_path)},
	{"peer_name", TEXT, FACT(unix_path)},
	{"requested", TEXT, FACT(unix_path)},
	{"outcome", TEXT, FACT(result)},
	{"result", TEXT, FACT(result)},
	{"how", TEXT, FACT(result)},
	{"end", TEXT, FACT(result)},
	{"sha256", TEXT, FACT(sha256)},
	{"cmd_line", TEXT, FACT(cmd_line)},
	{"tty", TEXT, FACT(tty)},
};

static const struct {
	const char *field;
	size_t to;
} numbers[] = {
	{"call_errno", FACT(error)},	      {"bytes_sent", FACT(bytes_sent)},
	{"bytes_written", FACT(bytes_sent)},  {"bytes_received", FACT(bytes_received)},
	{"packets_sent", FACT(packets_sent)}, {"packets_received", FACT(packets_received)},
	{"duration_nano", FACT(duration_ns)}, {"socket_cookie", FACT(socket_cookie)},
};

struct step {
	size_t from, has, to;
	size_t size; /* of a number; 0: a pointer */
};

struct facts_plan {
	struct {
		struct step steps[STEP_MAX];
		size_t cnt, body; /* offset of the body in the event; 0: there is no such kind */
	} kinds[KIND_MAX];
};

static bool has_type(const ProtobufCFieldDescriptor *f, const ProtobufCMessageDescriptor *type)
{
	if (!f || f->label == PROTOBUF_C_LABEL_REPEATED)
		return false;
	return type ? f->type == PROTOBUF_C_TYPE_MESSAGE && f->descriptor == type
		    : f->type == PROTOBUF_C_TYPE_STRING;
}

static size_t number_size(const ProtobufCFieldDescriptor *f)
{
	if (!f || f->label != PROTOBUF_C_LABEL_OPTIONAL)
		return 0;
	return f->type == PROTOBUF_C_TYPE_UINT32 ? 4 : f->type == PROTOBUF_C_TYPE_UINT64 ? 8 : 0;
}

static void plan_kind(struct facts_plan *plan, unsigned int kind,
		      const ProtobufCMessageDescriptor *body)
{
	struct step *steps = plan->kinds[kind].steps;
	size_t cnt = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pointers) && cnt < STEP_MAX; i++) {
		const ProtobufCFieldDescriptor *f =
			protobuf_c_message_descriptor_get_field_by_name(body, pointers[i].field);

		if (has_type(f, pointers[i].type))
			steps[cnt++] = (struct step){.from = f->offset, .to = pointers[i].to};
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers) && cnt < STEP_MAX; i++) {
		const ProtobufCFieldDescriptor *f =
			protobuf_c_message_descriptor_get_field_by_name(body, numbers[i].field);

		if (number_size(f))
			steps[cnt++] = (struct step){f->offset, f->quantifier_offset, numbers[i].to,
						     number_size(f)};
	}
	plan->kinds[kind].cnt = cnt;
}

struct facts_plan *facts_plan_new(void)
{
	struct facts_plan *plan = memory_zalloc(sizeof(*plan));

	for (unsigned int kind = 0; kind < KIND_MAX; kind++) {
		const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(
			&varve__v1__event__descriptor, kind);

		if (!event_kind_name(kind) || !f)
			continue;
		plan->kinds[kind].body = f->offset;
		plan_kind(plan, kind, f->descriptor);
	}
	return plan;
}

void facts_plan_free(struct facts_plan *plan)
{
	free(plan);
}

static void take(const struct step *step, const char *body, struct facts *f)
{
	void *to = (char *)f + step->to;

	if (step->size) {
		struct fact_number *number = to;

		if (number->known || !*(const protobuf_c_boolean *)(body + step->has))
			return;
		number->known = true;
		number->v = step->size == 4 ? *(const uint32_t *)(body + step->from)
					    : *(const uint64_t *)(body + step->from);
	} else if (!*(const void **)to) {
		memcpy(to, body + step->from, sizeof(void *));
	}
}

static void set(struct fact_number *number, bool has, uint64_t v)
{
	number->known = has;
	number->v = v;
}

/* Present is the errno of every CONNECT, also of one that was done. */
static void correct_connect(struct facts *f)
{
	const Varve__V1__Connect *c = f->ev->connect;

	f->direction = FACT_OUTBOUND;
	f->failed = c->outcome && !strcmp(c->outcome, "failed");
	if (c->has_outcome_errno)
		set(&f->error, true, c->outcome_errno);
	f->error.known = f->failed && f->error.v;
}

static void correct_accept(struct facts *f)
{
	f->direction = FACT_INBOUND;
}

static enum fact_direction direction_of(const char *word)
{
	static const struct {
		const char *word;
		enum fact_direction direction;
	} words[] = {
		{"outbound", FACT_OUTBOUND}, {"inbound", FACT_INBOUND}, {"sent", FACT_OUTBOUND},
		{"received", FACT_INBOUND},  {"client", FACT_OUTBOUND}, {"server", FACT_INBOUND},
	};

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].direction;
	return FACT_DIRECTION_UNKNOWN;
}

static void correct_close(struct facts *f)
{
	f->direction = direction_of(f->ev->close->role);
	set(&f->error, f->ev->close->has_error, f->ev->close->error);
}

static void correct_udp_flow(struct facts *f)
{
	f->direction = direction_of(f->ev->udp_flow->direction);
}

static void correct_dns(struct facts *f)
{
	f->direction = direction_of(f->ev->dns->direction);
	f->dns = f->ev->dns->n_messages ? f->ev->dns->messages[0] : NULL;
}

static void correct_exit(struct facts *f)
{
	set(&f->exit_code, f->ev->exit->has_code, f->ev->exit->code);
	set(&f->signal, f->ev->exit->has_signal, f->ev->exit->signal);
}

static void correct_link(struct facts *f)
{
	f->target_path = f->file ? f->file->path : NULL;
	f->file = f->other_file;
	f->other_file = NULL;
}

static void correct_unix_connect(struct facts *f)
{
	f->direction = FACT_OUTBOUND;
}

static void correct_symlink(struct facts *f)
{
	f->target_path = f->ev->symlink->target;
}

static const struct {
	Varve__V1__Event__BodyCase body;
	void (*fn)(struct facts *f);
} corrections[] = {
	{VARVE__V1__EVENT__BODY_CONNECT, correct_connect},
	{VARVE__V1__EVENT__BODY_ACCEPT, correct_accept},
	{VARVE__V1__EVENT__BODY_CLOSE, correct_close},
	{VARVE__V1__EVENT__BODY_UDP_FLOW, correct_udp_flow},
	{VARVE__V1__EVENT__BODY_DNS, correct_dns},
	{VARVE__V1__EVENT__BODY_EXIT, correct_exit},
	{VARVE__V1__EVENT__BODY_LINK, correct_link},
	{VARVE__V1__EVENT__BODY_SYMLINK, correct_symlink},
	{VARVE__V1__EVENT__BODY_UNIX_CONNECT, correct_unix_connect},
};

void facts_gather(const struct facts_plan *plan, const Varve__V1__Event *ev, struct facts *ret)
{
	unsigned int kind = ev->body_case;
	const char *body = NULL;

	*ret = (struct facts){.ev = ev};
	if (kind < KIND_MAX && plan->kinds[kind].body)
		body = *(const char *const *)((const char *)ev + plan->kinds[kind].body);
	if (!body)
		return;
	for (size_t i = 0; i < plan->kinds[kind].cnt; i++)
		take(&plan->kinds[kind].steps[i], body, ret);
	ret->failed = ret->error.known && ret->error.v;
	for (size_t i = 0; i < ARRAY_SIZE(corrections); i++)
		if (corrections[i].body == ev->body_case)
			corrections[i].fn(ret);
}

const char *facts_error_name(const struct facts *f)
{
	return f->error.known && f->error.v < 4096 ? strerrorname_np((int)f->error.v) : NULL;
}

const char *facts_base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && slash[1] ? slash + 1 : path ? path : "";
}

int facts_ip_version(const Varve__V1__Endpoint *e)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (!e || !e->ip)
		return 0;
	if (strchr(e->ip, ':'))
		return inet_pton(AF_INET6, e->ip, address) == 1 ? 6 : 0;
	return inet_pton(AF_INET, e->ip, address) == 1 ? 4 : 0;
}

bool facts_started_ns(const Varve__V1__Event *ev, uint64_t start_boot_ns, int64_t *ret_ns)
{
	if (!ev->has_time_unix_nano || !ev->has_boot_time_nano || ev->time_unix_nano < 0 ||
	    start_boot_ns > ev->boot_time_nano)
		return false;
	uint64_t age_ns = ev->boot_time_nano - start_boot_ns;

	if (age_ns > (uint64_t)ev->time_unix_nano)
		return false;
	*ret_ns = ev->time_unix_nano - (int64_t)age_ns;
	return true;
}
