/* SPDX-License-Identifier: Apache-2.0 */
/* OCSF's classes of the network: ends, connection, traffic, DNS. */
#include "evidence/base.h"
#include "responder/views/ocsf.h"
#include <string.h>

static void put_endpoint(struct projector *p, const char *key, const Varve__V1__Endpoint *e,
			 const char *name, bool is_local)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const char *ip = e ? e->ip : NULL;
	struct writer *w = &p->out;

	writer_object(w, key);
	writer_text(w, facts_ip_version(e) ? "ip" : "name", ip ? ip : name);
	if (e && e->has_port && e->port <= UINT16_MAX && ip)
		writer_number(w, "port", e->port);
	if (is_local)
		writer_text(w, "instance_uid", ev->container ? ev->container->id : ev->node_name);
	writer_end(w);
}

static void put_connection(struct projector *p)
{
	static const unsigned char directions[] = {
		[FACT_DIRECTION_UNKNOWN] = 0, [FACT_INBOUND] = 1, [FACT_OUTBOUND] = 2};
	const struct facts *f = &p->facts;
	int version = facts_ip_version(f->destination);
	struct writer *w = &p->out;

	writer_object(w, "connection_info");
	writer_number(w, "direction_id", directions[f->direction]);
	writer_text(w, "protocol_name", f->protocol);
	if (f->protocol && !strcmp(f->protocol, "tcp"))
		writer_number(w, "protocol_num", 6);
	else if (f->protocol && !strcmp(f->protocol, "udp"))
		writer_number(w, "protocol_num", 17);
	if (version)
		writer_number(w, "protocol_ver_id", version);
	if (f->socket_cookie.known)
		writer_digits(w, "uid", f->socket_cookie.v);
	writer_end(w);
}

void ocsf_put_network(struct projector *p)
{
	const struct facts *f = &p->facts;
	bool outbound = f->direction == FACT_OUTBOUND, inbound = f->direction == FACT_INBOUND;
	bool at_destination = inbound || (!outbound && !f->source);

	put_endpoint(p, "src_endpoint", f->source, NULL, outbound);
	put_endpoint(p, "dst_endpoint", f->destination, f->unix_path, at_destination);
	put_connection(p);
	/* In: from the destination to the source, whoever of them is ours. */
	writer_object(&p->out, "traffic");
	ocsf_put_count(&p->out, "bytes_in", inbound ? &f->bytes_sent : &f->bytes_received);
	ocsf_put_count(&p->out, "bytes_out", inbound ? &f->bytes_received : &f->bytes_sent);
	ocsf_put_count(&p->out, "packets_in", inbound ? &f->packets_sent : &f->packets_received);
	ocsf_put_count(&p->out, "packets_out", inbound ? &f->packets_received : &f->packets_sent);
	writer_end(&p->out);
	if (f->duration_ns.known)
		writer_number(&p->out, "duration", f->duration_ns.v / OCSF_NSEC_PER_MS);
}

static unsigned int rcode_id(const char *rcode)
{
	static const char *const names[] = {
		"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(rcode, names[i]))
			return i;
	return 99;
}

static void put_answers(struct writer *w, const Varve__V1__DnsMessage *m)
{
	writer_list(w, "answers");
	for (size_t i = 0; i < m->n_answers; i++) {
		const Varve__V1__DnsRecord *a = m->answers[i];

		writer_object(w, NULL);
		writer_text(w, "rdata", a->data ? a->data : "");
		writer_text(w, "type", a->type);
		writer_text(w, "class", a->class_);
		if (a->has_ttl)
			writer_number(w, "ttl", a->ttl);
		writer_end(w);
	}
	writer_end(w);
}

void ocsf_put_dns(struct projector *p)
{
	const Varve__V1__DnsMessage *m = p->facts.dns;
	const Varve__V1__DnsQuestion *q = m && m->n_questions ? m->questions[0] : NULL;
	struct writer *w = &p->out;

	ocsf_put_network(p);
	if (q && q->name) {
		writer_object(w, "query");
		writer_text(w, "hostname", q->name);
		writer_text(w, "type", q->type);
		writer_text(w, "class", q->class_);
		writer_text(w, "opcode", m->opcode);
		if (m->has_id)
			writer_number(w, "packet_uid", m->id);
		writer_end(w);
	}
	if (m)
		put_answers(w, m);
	if (m && m->rcode) {
		writer_text(w, "rcode", m->rcode);
		writer_number(w, "rcode_id", rcode_id(m->rcode));
	}
}
