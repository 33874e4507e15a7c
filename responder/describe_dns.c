/* SPDX-License-Identifier: Apache-2.0 */
/* A DNS packet in words: what was asked, and what the answer was. All of it is in the record. */
#include "evidence/base.h"
#include "responder/describe.h"
#include <inttypes.h>
#include <string.h>

#define MESSAGES_SHOWN 4
#define RECORDS_SHOWN  8 /* of a message */

/* "www.example.com A" */
static void describe_questions(FILE *out, const Varve__V1__DnsMessage *m)
{
	for (size_t i = 0; i < m->n_questions && i < RECORDS_SHOWN; i++) {
		fputs(i ? ", " : "", out);
		describe_string(out, m->questions[i]->name);
		fputc(' ', out);
		describe_string(out, m->questions[i]->type);
	}
	if (m->n_questions > RECORDS_SHOWN)
		fprintf(out, " and %zu more", m->n_questions - RECORDS_SHOWN);
	if (!m->n_questions)
		fputs("no question", out);
}

/* "192.0.2.7"; "CNAME edge.example.net"; "type HTTPS" if its data are not parsed. */
static void describe_answer(FILE *out, const Varve__V1__DnsRecord *r)
{
	bool is_address = r->type && (!strcmp(r->type, "A") || !strcmp(r->type, "AAAA"));

	if (!is_address || !r->data)
		describe_string(out, r->type);
	if (r->data) {
		fputs(is_address ? "" : " ", out);
		describe_string(out, r->data);
	}
}

static void describe_answers(FILE *out, const Varve__V1__DnsMessage *m)
{
	bool is_bare = true;

	fputs(": ", out);
	if (m->rcode && strcmp(m->rcode, "NOERROR")) {
		describe_string(out, m->rcode);
		is_bare = false;
	}
	for (size_t i = 0; i < m->n_answers && i < RECORDS_SHOWN; i++) {
		fputs(is_bare ? "" : ", ", out);
		describe_answer(out, m->answers[i]);
		is_bare = false;
	}
	if (m->n_answers > RECORDS_SHOWN)
		fprintf(out, " and %zu more", m->n_answers - RECORDS_SHOWN);
	if (is_bare)
		fputs("no answer", out);
}

static void describe_message(FILE *out, const Varve__V1__DnsMessage *m)
{
	describe_questions(out, m);
	if (m->opcode && strcmp(m->opcode, "QUERY")) {
		fputs(" (", out);
		describe_string(out, m->opcode);
		fputc(')', out);
	}
	if (m->has_response && m->response)
		describe_answers(out, m);
	else
		fputc('?', out);
	if (m->has_truncated && m->truncated)
		fputs(" [truncated]", out);
	if (m->malformed) {
		fputs(" [malformed: ", out);
		describe_string(out, m->malformed);
		fputc(']', out);
	}
}

void describe_dns(FILE *out, const Varve__V1__Event *ev)
{
	const Varve__V1__Dns *d = ev->dns;
	bool is_sent = d->direction && !strcmp(d->direction, "sent");

	for (size_t i = 0; i < d->n_messages && i < MESSAGES_SHOWN; i++) {
		fputs(i ? "; " : "", out);
		describe_message(out, d->messages[i]);
	}
	if (d->n_messages > MESSAGES_SHOWN)
		fprintf(out, "; and %zu more messages", d->n_messages - MESSAGES_SHOWN);
	if (!d->n_messages)
		fprintf(out, "%" PRIu32 " bytes", d->payload_length);
	fputs(is_sent ? " to " : " from ", out);
	describe_endpoint(out, is_sent ? d->destination : d->source);
	fputc(' ', out);
	describe_string(out, d->protocol);
	if (d->incomplete) {
		fputs(" [", out);
		describe_string(out, d->incomplete);
		fputc(']', out);
	}
}
