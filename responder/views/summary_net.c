/* SPDX-License-Identifier: Apache-2.0 */
/* Whom it talked to, who came, and which names it asked for. */
#include "responder/views/summary.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/printed.h"
#include <ctype.h>
#include <string.h>

/* A peer's port is another one each time. */
static char *peer(const char *protocol, const Varve__V1__Endpoint *from,
		  const Varve__V1__Endpoint *at)
{
	struct printed p;
	FILE *out = printed_begin(&p);

	describe_string(out, protocol);
	fputc(' ', out);
	describe_string(out, from ? from->ip : NULL);
	fputs(" at ", out);
	describe_endpoint(out, at);
	return printed_end(&p);
}

/* The name that led to this address, if one did. */
static void note_name(const struct summary_event *e, struct tally_entry *entry,
		      const Varve__V1__Endpoint *to)
{
	struct tally_entry *address = NULL;
	struct printed p;

	if (!entry || !to || !to->ip)
		return;
	describe_string(printed_begin(&p), to->ip);
	address = summary_find(e, SUMMARY_ADDRESSES, printed_end(&p));
	if (address && address->notes)
		tally_note(&e->sum->of[SUMMARY_DESTINATIONS], entry, address->notes);
}

static void take_connect(const struct summary_event *e)
{
	const Varve__V1__Connect *c = e->ev->connect;
	bool again = c->has_completion && c->completion;
	struct tally_entry *entry = summary_add(e, SUMMARY_DESTINATIONS,
						describe_place(c->protocol, c->destination), NULL, !again);
	uint32_t err = c->has_outcome_errno ? c->outcome_errno : c->call_errno;

	note_name(e, entry, c->destination);
	if (entry && c->outcome && !strcmp(c->outcome, "failed")) {
		const char *name = err < 4096 ? strerrorname_np((int)err) : NULL;

		tally_note(&e->sum->of[SUMMARY_DESTINATIONS], entry, name ? name : "failed");
	}
}

static void take_accept(const struct summary_event *e)
{
	const Varve__V1__Accept *a = e->ev->accept;

	if (!a->has_call_errno)
		summary_add(e, SUMMARY_PEERS, peer(a->protocol, a->source, a->destination), NULL,
			    1);
}

static void take_close(const struct summary_event *e)
{
	const Varve__V1__Close *c = e->ev->close;
	bool is_server = c->role && !strcmp(c->role, "server");
	char *key = is_server ? peer(c->protocol, c->source, c->destination)
			      : describe_place(c->protocol, c->destination);
	struct tally_entry *entry =
		summary_add(e, is_server ? SUMMARY_PEERS : SUMMARY_DESTINATIONS, key, NULL, 0);

	if (!entry)
		return;
	entry->sent += c->bytes_sent;
	entry->received += c->bytes_received;
}

/* The record of its beginning counts, that of its end has the sums. */
static void take_udp_flow(const struct summary_event *e)
{
	const Varve__V1__UdpFlow *u = e->ev->udp_flow;
	bool is_inbound = u->direction && !strcmp(u->direction, "inbound");
	char *key = is_inbound ? peer(u->protocol, u->source, u->destination)
			       : describe_place(u->protocol, u->destination);
	struct tally_entry *entry = summary_add(
		e, is_inbound ? SUMMARY_PEERS : SUMMARY_DESTINATIONS, key, NULL, !u->end);

	if (!is_inbound)
		note_name(e, entry, u->destination);
	if (!entry || !u->end)
		return;
	entry->sent += u->bytes_sent;
	entry->received += u->bytes_received;
}

static void take_unix_connect(const struct summary_event *e)
{
	const Varve__V1__UnixConnect *u = e->ev->unix_connect;
	struct printed p;
	FILE *out;

	if (u->has_call_errno)
		return;
	out = printed_begin(&p);
	fputs("unix ", out);
	if (u->peer_name || u->has_peer_name_raw)
		describe_text(out, u->peer_name, u->has_peer_name_raw, u->peer_name_raw);
	else
		describe_text(out, u->requested, u->has_requested_raw, u->requested_raw);
	summary_add(e, SUMMARY_DESTINATIONS, printed_end(&p), NULL, 1);
}

static void take_listen(const struct summary_event *e)
{
	const Varve__V1__Listen *l = e->ev->listen;
	struct printed p;

	if (l->has_call_errno)
		return;
	if (l->address) {
		summary_add(e, SUMMARY_LISTENERS, describe_place(l->protocol, l->address), NULL, 1);
		return;
	}
	FILE *out = printed_begin(&p);

	fputs("unix ", out);
	describe_text(out, l->unix_path, l->has_unix_path_raw, l->unix_path_raw);
	summary_add(e, SUMMARY_LISTENERS, printed_end(&p), NULL, 1);
}

/* A datagram socket listens as soon as it is bound; one that is bound to any port is a client's. */
static void take_bind(const struct summary_event *e)
{
	const Varve__V1__Bind *b = e->ev->bind;

	if (b->requested && b->requested->has_port && !b->requested->port)
		return;
	if (!b->has_call_errno && b->address && b->protocol && !strcmp(b->protocol, "udp"))
		summary_add(e, SUMMARY_LISTENERS, describe_place(b->protocol, b->address), NULL, 1);
}

/* --- names */

/* As asked for; resolvers that mix capitals in ask for the same name. */
static char *question(const char *name)
{
	struct printed p;
	char *s;

	describe_string(printed_begin(&p), name);
	s = printed_end(&p);
	for (char *c = s; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return s;
}

/* Which name led to the address: for the destinations. */
static void learn_address(const struct summary_event *e, const char *address, const char *name)
{
	struct tally_entry *entry;
	struct printed p;

	describe_string(printed_begin(&p), address);
	entry = summary_add(e, SUMMARY_ADDRESSES, printed_end(&p), NULL, 1);
	tally_note(&e->sum->of[SUMMARY_ADDRESSES], entry, name);
}

static void take_answer(const struct summary_event *e, struct tally_entry *entry, const char *name,
			const Varve__V1__DnsRecord *r)
{
	bool is_address = r->type && (!strcmp(r->type, "A") || !strcmp(r->type, "AAAA"));
	struct printed p;
	char *text;

	if (!r->data)
		return;
	FILE *out = printed_begin(&p);

	if (!is_address) {
		describe_string(out, r->type);
		fputc(' ', out);
	}
	describe_string(out, r->data);
	text = printed_end(&p);
	tally_note(&e->sum->of[SUMMARY_NAMES], entry, text);
	free(text);
	if (is_address)
		learn_address(e, r->data, name);
}

static void take_message(const struct summary_event *e, const Varve__V1__DnsMessage *m)
{
	bool is_response = m->has_response && m->response;

	for (size_t i = 0; i < m->n_questions; i++) {
		char *name = question(m->questions[i]->name),
		     *key = question(m->questions[i]->name);
		struct tally_entry *entry = summary_add(e, SUMMARY_NAMES, key, NULL, !is_response);

		if (entry && is_response && m->rcode && strcmp(m->rcode, "NOERROR")) {
			struct printed p;

			describe_string(printed_begin(&p), m->rcode);
			char *rcode = printed_end(&p);

			tally_note(&e->sum->of[SUMMARY_NAMES], entry, rcode);
			free(rcode);
		}
		/* Nobody asks two questions in one message, but who wants to keep us busy. */
		for (size_t k = 0; !i && entry && k < m->n_answers; k++)
			take_answer(e, entry, name, m->answers[k]);
		free(name);
	}
}

static void take_dns(const struct summary_event *e)
{
	const Varve__V1__Dns *d = e->ev->dns;

	for (size_t i = 0; i < d->n_messages; i++)
		take_message(e, d->messages[i]);
}

const struct summary_taker summary_net[] = {
	{VARVE__V1__EVENT__BODY_CONNECT, take_connect},
	{VARVE__V1__EVENT__BODY_ACCEPT, take_accept},
	{VARVE__V1__EVENT__BODY_CLOSE, take_close},
	{VARVE__V1__EVENT__BODY_UDP_FLOW, take_udp_flow},
	{VARVE__V1__EVENT__BODY_UNIX_CONNECT, take_unix_connect},
	{VARVE__V1__EVENT__BODY_LISTEN, take_listen},
	{VARVE__V1__EVENT__BODY_BIND, take_bind},
	{VARVE__V1__EVENT__BODY_DNS, take_dns},
	{},
};
