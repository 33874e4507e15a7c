/* SPDX-License-Identifier: Apache-2.0 */
/* The network in ECS: source, destination, network and dns. */
#include "evidence/base.h"
#include "responder/views/ecs.h"
#include <string.h>

void ecs_put_count(struct writer *w, const char *key, const struct fact_number *n)
{
	if (n->known)
		writer_number(w, key, n->v);
}

static void put_end(struct writer *w, const char *key, const Varve__V1__Endpoint *e,
		    const char *name, const struct fact_number *bytes,
		    const struct fact_number *packets)
{
	bool has_ip = facts_ip_version(e);

	writer_object(w, key);
	writer_text(w, "address", e ? e->ip : name);
	writer_text(w, "ip", has_ip ? e->ip : NULL);
	if (e && e->has_port)
		writer_number(w, "port", e->port);
	ecs_put_count(w, "bytes", bytes);
	ecs_put_count(w, "packets", packets);
	writer_end(w);
}

void ecs_put_network(struct writer *w, const struct facts *f)
{
	static const char *const directions[] = {[FACT_INBOUND] = "ingress",
						 [FACT_OUTBOUND] = "egress",
						 [FACT_DIRECTION_UNKNOWN] = NULL};
	const char *class = event_kind_class(f->ev->body_case);
	bool in = f->direction == FACT_INBOUND;
	int version = facts_ip_version(f->destination);

	if (!class || strcmp(class, "network"))
		return;
	put_end(w, "source", f->source, NULL, in ? &f->bytes_received : &f->bytes_sent,
		in ? &f->packets_received : &f->packets_sent);
	put_end(w, "destination", f->destination, f->unix_path,
		in ? &f->bytes_sent : &f->bytes_received,
		in ? &f->packets_sent : &f->packets_received);
	writer_object(w, "network");
	writer_text(w, "direction", directions[f->direction]);
	writer_text(w, "transport", f->protocol);
	writer_text(w, "type", version == 6 ? "ipv6" : version ? "ipv4" : NULL);
	writer_text(w, "protocol", f->ev->body_case == VARVE__V1__EVENT__BODY_DNS ? "dns" : NULL);
	writer_end(w);
}

static void put_dns_flags(struct writer *w, const Varve__V1__DnsMessage *m)
{
	const struct {
		bool on;
		const char *name;
	} flags[] = {
		{m->has_authoritative && m->authoritative, "AA"},
		{m->has_truncated && m->truncated, "TC"},
		{m->has_recursion_desired && m->recursion_desired, "RD"},
		{m->has_recursion_available && m->recursion_available, "RA"},
		{m->has_authentic_data && m->authentic_data, "AD"},
		{m->has_checking_disabled && m->checking_disabled, "CD"},
	};

	writer_list(w, "header_flags");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].on)
			writer_text(w, NULL, flags[i].name);
	writer_end(w);
}

static void put_dns_answers(struct writer *w, const Varve__V1__DnsMessage *m)
{
	writer_list(w, "answers");
	for (size_t i = 0; i < m->n_answers; i++) {
		const Varve__V1__DnsRecord *a = m->answers[i];

		writer_object(w, NULL);
		writer_text(w, "name", a->name);
		writer_text(w, "type", a->type);
		writer_text(w, "class", a->class_);
		writer_text(w, "data", a->data);
		if (a->has_ttl)
			writer_number(w, "ttl", a->ttl);
		writer_end(w);
	}
	writer_end(w);
	writer_list(w, "resolved_ip");
	for (size_t i = 0; i < m->n_answers; i++) {
		Varve__V1__Endpoint e = {.ip = m->answers[i]->data};

		writer_text(w, NULL, facts_ip_version(&e) ? e.ip : NULL);
	}
	writer_end(w);
}

void ecs_put_dns(struct writer *w, const Varve__V1__DnsMessage *m)
{
	const Varve__V1__DnsQuestion *q = m && m->n_questions ? m->questions[0] : NULL;

	if (!m)
		return;
	writer_object(w, "dns");
	if (m->has_response)
		writer_text(w, "type", m->response ? "answer" : "query");
	if (m->has_id)
		writer_digits(w, "id", m->id);
	writer_text(w, "op_code", m->opcode);
	writer_text(w, "response_code", m->rcode);
	put_dns_flags(w, m);
	writer_object(w, "question");
	writer_text(w, "name", q ? q->name : NULL);
	writer_text(w, "type", q ? q->type : NULL);
	writer_text(w, "class", q ? q->class_ : NULL);
	writer_end(w);
	put_dns_answers(w, m);
	writer_end(w);
}
