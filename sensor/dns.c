/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns.h"
#include "evidence/arena.h"
#include "evidence/base.h"
#include "sensor/dns_data.h"
#include "sensor/events/fill.h"
#include <string.h>

#define HEADER_LEN 12

enum { QUESTIONS, ANSWERS, AUTHORITIES, ADDITIONALS, SECTION_CNT };

struct parse {
	const uint8_t *msg;
	size_t len; /* captured */
	bool cut;   /* and there were more */
	size_t at;
	size_t *records_left;
	struct arena *arena;
	Varve__V1__DnsMessage *out;
	unsigned int rcode;
	bool stop;
};

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* The first complaint is the one that is told. */
static void complain(struct parse *p, const char *what)
{
	if (!p->out->malformed)
		p->out->malformed = (char *)what;
}

/* Nothing behind this can be parsed. Bytes that are missing as we did not capture them are no
 * fault. */
static int stop(struct parse *p, const char *what)
{
	p->stop = true;
	if (!p->cut || strncmp(what, "short_", 6))
		complain(p, what);
	return 0;
}

static char *keep(struct parse *p, const char *text)
{
	return arena_strndup(p->arena, text, strlen(text));
}

static int parse_question(struct parse *p, void **ret_item)
{
	char name[DNS_NAME_TEXT_MAX], code[DNS_CODE_LEN];
	const char *wrong = dns_name_read(p->msg, p->len, &p->at, name);
	Varve__V1__DnsQuestion *q;

	if (wrong)
		return stop(p, wrong);
	if (p->len - p->at < 4)
		return stop(p, "short_question");
	p->at += 4;
	if (!*p->records_left)
		return 0;
	q = arena_alloc(p->arena, sizeof(*q));
	if (!q)
		return -ENOMEM;
	varve__v1__dns_question__init(q);
	q->name = keep(p, name);
	q->type = keep(p, dns_type_name(get16(p->msg + p->at - 4), code));
	q->class_ = keep(p, dns_class_name(get16(p->msg + p->at - 2), code));
	*ret_item = q;
	return q->name && q->type && q->class_ ? 0 : -ENOMEM;
}

static int fill_data(struct parse *p, Varve__V1__DnsRecord *r, unsigned int type, size_t len)
{
	char text[DNS_DATA_MAX + 1];
	struct dns_text out = {.buf = text, .size = sizeof(text)};

	SET(r, data_length, len);
	if (!dns_data_print(p->msg, p->len, p->at, len, type, &out)) {
		complain(p, "bad_data");
		return 0;
	}
	if (!out.len)
		return 0;
	if (out.cut)
		SET(r, data_cut, 1);
	r->data = arena_strndup(p->arena, text, out.len);
	return r->data ? 0 : -ENOMEM;
}

static int parse_record(struct parse *p, void **ret_item)
{
	char name[DNS_NAME_TEXT_MAX], code[DNS_CODE_LEN];
	const char *wrong = dns_name_read(p->msg, p->len, &p->at, name);
	const uint8_t *fixed = p->msg + p->at;
	Varve__V1__DnsRecord *r;
	unsigned int type;
	size_t len;
	int err = 0;

	if (wrong)
		return stop(p, wrong);
	if (p->len - p->at < 10)
		return stop(p, "short_record");
	type = get16(fixed);
	len = get16(fixed + 8);
	p->at += 10;
	if (len > p->len - p->at)
		return stop(p, "short_record");
	if (type == DNS_TYPE_OPT)
		p->rcode |= fixed[4] << 4;
	if (*p->records_left) {
		r = arena_alloc(p->arena, sizeof(*r));
		if (!r)
			return -ENOMEM;
		varve__v1__dns_record__init(r);
		r->name = keep(p, name);
		r->type = keep(p, dns_type_name(type, code));
		if (!r->name || !r->type)
			return -ENOMEM;
		if (type != DNS_TYPE_OPT) {
			r->class_ = keep(p, dns_class_name(get16(fixed + 2), code));
			if (!r->class_)
				return -ENOMEM;
			SET(r, ttl, get32(fixed + 4));
		}
		err = fill_data(p, r, type, len);
		*ret_item = r;
	}
	p->at += len;
	return err;
}

/* A section's items; its count may lie, so the end of the bytes is the bound. */
static int parse_section(struct parse *p, unsigned int cnt,
			 int (*parse)(struct parse *p, void **ret_item), size_t *ret_cnt,
			 void ***ret_items)
{
	size_t room = MIN(cnt, *p->records_left), n = 0, left_out = 0;
	void **items = arena_alloc(p->arena, (room + 1) * sizeof(*items)), *item;
	int err = 0;

	if (!items)
		return -ENOMEM;
	while (cnt-- && !p->stop && !err) {
		item = NULL;
		err = parse(p, &item);
		if (item) {
			items[n++] = item;
			--*p->records_left;
		} else if (!p->stop) {
			left_out++;
		}
	}
	if (left_out)
		SET(p->out, records_left_out, p->out->records_left_out + left_out);
	*ret_items = items;
	*ret_cnt = n;
	return err;
}

static int fill_header(struct parse *p, unsigned int cnt[SECTION_CNT])
{
	Varve__V1__DnsMessage *out = p->out;
	unsigned int flags = get16(p->msg + 2), i;
	char code[DNS_CODE_LEN];

	for (i = 0; i < SECTION_CNT; i++)
		cnt[i] = get16(p->msg + 4 + 2 * i);
	SET(out, id, get16(p->msg));
	SET(out, response, flags >> 15 & 1);
	SET(out, authoritative, flags >> 10 & 1);
	SET(out, truncated, flags >> 9 & 1);
	SET(out, recursion_desired, flags >> 8 & 1);
	SET(out, recursion_available, flags >> 7 & 1);
	SET(out, authentic_data, flags >> 5 & 1);
	SET(out, checking_disabled, flags >> 4 & 1);
	SET(out, question_count, cnt[QUESTIONS]);
	SET(out, answer_count, cnt[ANSWERS]);
	SET(out, authority_count, cnt[AUTHORITIES]);
	SET(out, additional_count, cnt[ADDITIONALS]);
	p->rcode = flags & 15;
	p->at = HEADER_LEN;
	out->opcode = keep(p, dns_opcode_name(flags >> 11 & 15, code));
	return out->opcode ? 0 : -ENOMEM;
}

static int parse_sections(struct parse *p)
{
	Varve__V1__DnsMessage *out = p->out;
	struct {
		int (*parse)(struct parse *p, void **ret_item);
		size_t *cnt;
		void ***items;
	} section[SECTION_CNT] = {
		{parse_question, &out->n_questions, (void ***)&out->questions},
		{parse_record, &out->n_answers, (void ***)&out->answers},
		{parse_record, &out->n_authorities, (void ***)&out->authorities},
		{parse_record, &out->n_additionals, (void ***)&out->additionals},
	};
	unsigned int cnt[SECTION_CNT], i;
	char code[DNS_CODE_LEN];
	int err = fill_header(p, cnt);

	for (i = 0; i < SECTION_CNT && !err; i++)
		err = parse_section(p, cnt[i], section[i].parse, section[i].cnt, section[i].items);
	if (!err && out->response) {
		out->rcode = keep(p, dns_rcode_name(p->rcode, code));
		err = out->rcode ? 0 : -ENOMEM;
	}
	if (!p->stop && p->at < p->len)
		complain(p, "trailing_bytes");
	return err;
}

int dns_parse(const uint8_t *msg, size_t captured, size_t len, size_t *records_left,
	      struct arena *arena, Varve__V1__DnsMessage **ret_msg)
{
	struct parse p = {.msg = msg,
			  .len = MIN(captured, len),
			  .cut = captured < len,
			  .records_left = records_left,
			  .arena = arena,
			  .out = arena_alloc(arena, sizeof(*p.out))};
	int err = 0;

	if (!p.out)
		return -ENOMEM;
	varve__v1__dns_message__init(p.out);
	SET(p.out, length, len);
	if (p.cut)
		SET(p.out, captured_length, captured);
	if (p.len < HEADER_LEN)
		stop(&p, "short_header");
	else
		err = parse_sections(&p);
	if (!err)
		*ret_msg = p.out;
	return err;
}
