/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process had to do with the network. What ends (a connection, a flow) adds its bytes to the
 * line of its beginning; an answer takes the place of its question.
 */
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/printed.h"
#include "responder/proctree.h"
#include <inttypes.h>
#include <string.h>

#define ANSWERS 8 /* of a name that are shown */

/* How a connection ended stands for its beginning. A line whose count is 0 is not shown. */
static void drop_in_progress(struct proctree *tree, struct proctree_proc *p,
			     const Varve__V1__Event *ev)
{
	char in_progress[] = "in_progress";
	Varve__V1__Connect connect = *ev->connect;
	Varve__V1__Event begun = *ev;

	connect.outcome = in_progress;
	begun.connect = &connect;
	_cleanup_free_ char *text = proctree_event_text(&begun);
	struct proctree_line *line = proctree_find_line(tree, p, "connect", text);

	if (line && line->cnt)
		line->cnt--;
}

static void take_connect(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			 int64_t ns)
{
	if (ev->connect->has_completion && ev->connect->completion)
		drop_in_progress(tree, p, ev);
	proctree_set_place(tree, proctree_add_line(tree, p, "connect", proctree_event_text(ev), ns),
			   describe_place(ev->connect->protocol, ev->connect->destination));
}

/* The port of who comes is another one each time: all that a peer began is one line. */
static Varve__V1__Endpoint without_port(const Varve__V1__Endpoint *e)
{
	Varve__V1__Endpoint peer = VARVE__V1__ENDPOINT__INIT;

	peer.ip = e ? e->ip : NULL;
	return peer;
}

static void take_accept(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
			int64_t ns)
{
	Varve__V1__Endpoint peer = without_port(ev->accept->source);
	Varve__V1__Accept accept = *ev->accept;
	Varve__V1__Event again = *ev;

	accept.source = &peer;
	again.accept = &accept;
	proctree_set_place(tree,
			   proctree_add_line(tree, p, "accept", proctree_event_text(&again), ns),
			   describe_place(accept.protocol, &peer));
}

/* As CONNECT and ACCEPT have been told. */
static char *close_text(const Varve__V1__Close *c, bool is_server)
{
	char connected[] = "connected";
	Varve__V1__Connect connect = VARVE__V1__CONNECT__INIT;
	Varve__V1__Accept accept = VARVE__V1__ACCEPT__INIT;
	Varve__V1__Endpoint peer;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	if (is_server) {
		peer = without_port(c->source);
		accept.protocol = c->protocol;
		accept.source = &peer;
		accept.destination = c->destination;
		ev.body_case = VARVE__V1__EVENT__BODY_ACCEPT;
		ev.accept = &accept;
	} else {
		connect.protocol = c->protocol;
		connect.destination = c->destination;
		connect.outcome = connected;
		ev.body_case = VARVE__V1__EVENT__BODY_CONNECT;
		ev.connect = &connect;
	}
	return proctree_event_text(&ev);
}

static void take_close(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		       int64_t ns)
{
	const Varve__V1__Close *c = ev->close;
	bool is_server = c->role && !strcmp(c->role, "server");
	const char *what = is_server ? "accept" : "connect";
	char *text = close_text(c, is_server);
	struct proctree_line *line = proctree_find_line(tree, p, what, text);

	if (line)
		free(text);
	else
		line = proctree_add_line(tree, p, "close", text, ns);
	proctree_set_place(tree, line,
			   describe_place(c->protocol, is_server ? c->source : c->destination));
	if (!line)
		return;
	line->sent += c->bytes_sent;
	line->received += c->bytes_received;
}

static void take_udp_flow(struct proctree *tree, struct proctree_proc *p,
			  const Varve__V1__Event *ev, int64_t ns)
{
	const Varve__V1__UdpFlow *u = ev->udp_flow;
	bool is_inbound = u->direction && !strcmp(u->direction, "inbound");
	struct proctree_line *line = NULL;
	struct printed t;
	FILE *out = printed_begin(&t);

	fputs(is_inbound ? "from " : "to ", out);
	describe_endpoint(out, is_inbound ? u->source : u->destination);
	char *text = printed_end(&t);

	/* The record of its end is not another flow. */
	if (u->end)
		line = proctree_find_line(tree, p, "udp", text);
	if (line)
		free(text);
	else
		line = proctree_add_line(tree, p, "udp", text, ns);
	proctree_set_place(tree, line, describe_place("udp", is_inbound ? u->source : u->destination));
	if (!line || !u->end)
		return;
	line->sent += u->bytes_sent;
	line->received += u->bytes_received;
}

static char *query_text(const Varve__V1__DnsQuestion *q)
{
	struct printed t;
	FILE *out = printed_begin(&t);

	describe_string(out, q->name);
	fputc(' ', out);
	describe_string(out, q->type);
	return printed_end(&t);
}

static char *answer_text(const Varve__V1__DnsMessage *m, const char *query)
{
	struct printed t;
	FILE *out = printed_begin(&t);

	fprintf(out, "%s: ", query);
	if (m->rcode && strcmp(m->rcode, "NOERROR"))
		describe_string(out, m->rcode);
	for (size_t i = 0; i < m->n_answers && i < ANSWERS; i++) {
		fputs(i ? ", " : "", out);
		describe_string(out,
				m->answers[i]->data ? m->answers[i]->data : m->answers[i]->type);
	}
	if (m->n_answers > ANSWERS)
		fprintf(out, " and %zu more", m->n_answers - ANSWERS);
	return printed_end(&t);
}

/* An answer stands for its question. */
static void take_message(struct proctree *tree, struct proctree_proc *p,
			 const Varve__V1__DnsMessage *m, int64_t ns)
{
	for (size_t i = 0; i < m->n_questions; i++) {
		char *query = query_text(m->questions[i]);
		struct proctree_line *line;

		if (!m->has_response || !m->response) {
			proctree_add_line(tree, p, "dns", query, ns);
			continue;
		}
		line = proctree_find_line(tree, p, "dns", query);
		if (line && line->cnt)
			line->cnt--;
		proctree_add_line(tree, p, "dns", answer_text(m, query), ns);
		free(query);
	}
}

static void take_dns(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		     int64_t ns)
{
	for (size_t i = 0; i < ev->dns->n_messages; i++)
		take_message(tree, p, ev->dns->messages[i], ns);
}

const struct proctree_taker proctree_net[] = {
	{VARVE__V1__EVENT__BODY_CONNECT, take_connect},
	{VARVE__V1__EVENT__BODY_ACCEPT, take_accept},
	{VARVE__V1__EVENT__BODY_CLOSE, take_close},
	{VARVE__V1__EVENT__BODY_UDP_FLOW, take_udp_flow},
	{VARVE__V1__EVENT__BODY_DNS, take_dns},
	{},
};
