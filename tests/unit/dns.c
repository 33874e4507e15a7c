/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages, good and hostile. */
#include "sensor/dns.h"
#include "evidence/arena.h"
#include "evidence/base.h"
#include "sensor/dns_name.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	return arena_init(&arena, 2 << 20);
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* --- a message being made */

struct made {
	uint8_t b[70000];
	size_t len;
};

static void put(struct made *m, const void *bytes, size_t len)
{
	memcpy(m->b + m->len, bytes, len);
	m->len += len;
}

static void put16(struct made *m, unsigned int v)
{
	uint8_t b[2] = {v >> 8, v};

	put(m, b, 2);
}

static void put32(struct made *m, uint32_t v)
{
	put16(m, v >> 16);
	put16(m, v & 0xffff);
}

static void begin(struct made *m, unsigned int flags, unsigned int qd, unsigned int an,
		  unsigned int ns, unsigned int ar)
{
	m->len = 0;
	put16(m, 0x1234);
	put16(m, flags);
	put16(m, qd);
	put16(m, an);
	put16(m, ns);
	put16(m, ar);
}

/* www.example.com at offset 12: the first name of a message. */
#define WWW "\3www\7example\3com"
static void question(struct made *m, unsigned int type)
{
	put(m, WWW, sizeof(WWW));
	put16(m, type);
	put16(m, 1);
}

static void record(struct made *m, unsigned int type, const void *data, size_t len)
{
	put16(m, 0xc00c);
	put16(m, type);
	put16(m, 1);
	put32(m, 300);
	put16(m, len);
	put(m, data, len);
}

/* Parses from memory of its exact length, so that the sanitizer sees a read beyond it. */
static Varve__V1__DnsMessage *parse_cut(const struct made *m, size_t captured, size_t *left)
{
	_cleanup_free_ uint8_t *copy = malloc(captured ? captured : 1);
	Varve__V1__DnsMessage *out;

	memcpy(copy, m->b, captured);
	arena_reset(&arena);
	assert_int_equal(dns_parse(copy, captured, m->len, left, &arena, &out), 0);
	return out;
}

static Varve__V1__DnsMessage *parse(const struct made *m)
{
	size_t left = DNS_RECORDS_MAX;

	return parse_cut(m, m->len, &left);
}

static struct made m;

/* --- good ones */

static void test_query(void **state)
{
	Varve__V1__DnsMessage *out;

	(void)state;
	begin(&m, 0x0120, 1, 0, 0, 1);
	question(&m, 28);
	put(&m, "\0\0\x29\x10\0\0\0\0\0\0\0", 11); /* OPT */
	out = parse(&m);
	assert_null(out->malformed);
	assert_int_equal(out->id, 0x1234);
	assert_false(out->response);
	assert_string_equal(out->opcode, "QUERY");
	assert_null(out->rcode);
	assert_true(out->recursion_desired && out->authentic_data);
	assert_false(out->authoritative || out->truncated || out->recursion_available ||
		     out->checking_disabled);
	assert_int_equal(out->n_questions, 1);
	assert_string_equal(out->questions[0]->name, "www.example.com");
	assert_string_equal(out->questions[0]->type, "AAAA");
	assert_string_equal(out->questions[0]->class_, "IN");
	assert_int_equal(out->n_additionals, 1);
	assert_string_equal(out->additionals[0]->name, ".");
	assert_string_equal(out->additionals[0]->type, "OPT");
	assert_true(!out->additionals[0]->class_ && !out->additionals[0]->has_ttl);
	assert_int_equal(out->length, m.len);
	assert_false(out->has_captured_length);
}

struct data_case {
	unsigned int type;
	const char *data;
	size_t len;
	const char *name, *text;
};

static void test_data_of_each_type(void **state)
{
	static const struct data_case cases[] = {
		{1, "\xc0\0\2\1", 4, "A", "192.0.2.1"},
		{28, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, "AAAA", "2001:db8::1"},
		{5, "\1x\xc0\x10", 4, "CNAME", "x.example.com"},
		{39, "\1y\0", 3, "DNAME", "y"},
		{2, "\xc0\x10", 2, "NS", "example.com"},
		{12, "\xc0\x0c", 2, "PTR", "www.example.com"},
		{15, "\0\x0a\2mx\xc0\x10", 7, "MX", "10 mx.example.com"},
		{16, "\2ab\0\3c\"\n", 8, "TXT", "\"ab\" \"\" \"c\\\"\\010\""},
		{33, "\0\1\0\2\x1\xbb\1s\0", 9, "SRV", "1 2 443 s"},
		{6, "\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 26, "SOA",
		 "a b 1 2 3 4 5"},
		{65, "\0\1\0", 3, "HTTPS", NULL},
		{4711, "xyz", 3, "TYPE4711", NULL},
	};
	size_t i;

	(void)state;
	begin(&m, 0x8580, 1, ARRAY_SIZE(cases), 0, 0);
	question(&m, 255);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		record(&m, cases[i].type, cases[i].data, cases[i].len);
	Varve__V1__DnsMessage *out = parse(&m);
	assert_null(out->malformed);
	assert_true(out->response && out->authoritative && out->recursion_available);
	assert_string_equal(out->rcode, "NOERROR");
	assert_int_equal(out->n_answers, ARRAY_SIZE(cases));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const Varve__V1__DnsRecord *r = out->answers[i];

		assert_string_equal(r->name, "www.example.com");
		assert_string_equal(r->type, cases[i].name);
		assert_int_equal(r->ttl, 300);
		assert_int_equal(r->data_length, cases[i].len);
		if (cases[i].text)
			assert_string_equal(r->data, cases[i].text);
		else
			assert_null(r->data);
	}
}

static void test_codes(void **state)
{
	Varve__V1__DnsMessage *out;

	(void)state;
	begin(&m, 0xaa03, 0, 0, 0, 0); /* response, opcode 5, TC, NXDOMAIN */
	out = parse(&m);
	assert_string_equal(out->opcode, "UPDATE");
	assert_string_equal(out->rcode, "NXDOMAIN");
	assert_true(out->truncated);
	begin(&m, 0xf80e, 0, 0, 0, 0);
	out = parse(&m);
	assert_string_equal(out->opcode, "OPCODE15");
	assert_string_equal(out->rcode, "RCODE14");
	begin(&m, 0x8000, 0, 0, 0, 1);
	put(&m, "\0\0\x29\x10\0\1\0\0\0\0\0", 11); /* upper bits of the code: 1 */
	assert_string_equal(parse(&m)->rcode, "BADVERS");
}

static void test_sections(void **state)
{
	Varve__V1__DnsMessage *out;

	(void)state;
	begin(&m, 0x8000, 1, 1, 1, 1);
	question(&m, 1);
	record(&m, 1, "\1\1\1\1", 4);
	record(&m, 2, "\xc0\x10", 2);
	record(&m, 1, "\2\2\2\2", 4);
	out = parse(&m);
	assert_string_equal(out->answers[0]->data, "1.1.1.1");
	assert_string_equal(out->authorities[0]->data, "example.com");
	assert_string_equal(out->additionals[0]->data, "2.2.2.2");
}

/* --- names */

static const char *name(const void *bytes, size_t len, size_t at, char text[DNS_NAME_TEXT_MAX])
{
	_cleanup_free_ uint8_t *copy = malloc(len);

	memcpy(copy, bytes, len);
	return dns_name_read(copy, len, &at, text);
}

static void test_name_escapes(void **state)
{
	char text[DNS_NAME_TEXT_MAX];

	(void)state;
	assert_null(name("\6a.b\\\xff \0", 8, 0, text));
	assert_string_equal(text, "a\\.b\\\\\\255\\032");
	assert_null(name("\4\0\x1b[\x7f\0", 6, 0, text));
	assert_string_equal(text, "\\000\\027[\\127");
	assert_null(name("", 1, 0, text));
	assert_string_equal(text, ".");
}

static void test_name_limits(void **state)
{
	char text[DNS_NAME_TEXT_MAX];
	uint8_t b[300] = {};
	size_t i;

	(void)state;
	/* The longest: 63 + 63 + 63 + 61 bytes and their lengths, and the root's. */
	b[0] = b[64] = b[128] = 63;
	b[192] = 61;
	for (i = 0; i < 254; i++)
		b[i] = b[i] ? b[i] : 0xff;
	assert_null(name(b, 255, 0, text));
	assert_int_equal(strlen(text), 4 * 250 + 3);
	b[192] = 62;
	b[254] = 'x';
	assert_string_equal(name(b, 256, 0, text), "long_name");
	b[0] = 64;
	assert_string_equal(name(b, 256, 0, text), "bad_label");
	b[0] = 128;
	assert_string_equal(name(b, 256, 0, text), "bad_label");
	assert_string_equal(name("\3ab", 3, 0, text), "short_name");
	assert_string_equal(name("\2ab", 3, 0, text), "short_name");
	assert_string_equal(name("\xc0", 1, 0, text), "short_name");
}

static void test_name_pointers(void **state)
{
	char text[DNS_NAME_TEXT_MAX];
	uint8_t b[4096] = {};
	size_t i;

	(void)state;
	assert_null(name("\1a\0\1b\xc0\0", 7, 3, text));
	assert_string_equal(text, "b.a");
	assert_string_equal(name("\xc0\0", 2, 0, text), "bad_pointer");	      /* itself */
	assert_string_equal(name("\xc0\2\1a\0", 5, 0, text), "bad_pointer");  /* forward */
	assert_string_equal(name("\1a\xc0\0", 4, 0, text), "bad_pointer");    /* a loop */
	assert_string_equal(name("\xc0\2\xc0\0", 4, 2, text), "bad_pointer"); /* of two */
	assert_string_equal(name("\xff\xff", 2, 0, text), "bad_pointer");     /* outside */
	/* A pointer to a pointer to a pointer: backwards, but without end. */
	for (i = 2; i < 2000; i += 2) {
		b[i] = 0xc0 | (i - 2) >> 8;
		b[i + 1] = i - 2;
	}
	assert_null(name(b, sizeof(b), 200, text));
	assert_string_equal(name(b, sizeof(b), 1998, text), "bad_pointer");
}

/* --- hostile ones */

static void test_malformed(void **state)
{
	Varve__V1__DnsMessage *out;

	(void)state;
	m.len = 0;
	assert_string_equal(parse(&m)->malformed, "short_header");
	begin(&m, 0, 0, 0, 0, 0);
	m.len = 11;
	out = parse(&m);
	assert_string_equal(out->malformed, "short_header");
	assert_false(out->has_id || out->has_response);
	begin(&m, 0, 1, 0, 0, 0);
	assert_string_equal(parse(&m)->malformed, "short_name");
	question(&m, 1);
	m.len--;
	assert_string_equal(parse(&m)->malformed, "short_question");
	begin(&m, 0, 1, 0, 0, 0);
	put(&m, "\x40", 1);
	assert_string_equal(parse(&m)->malformed, "bad_label");
	begin(&m, 0, 0, 0, 0, 0);
	put(&m, "x", 1);
	assert_string_equal(parse(&m)->malformed, "trailing_bytes");
}

static void test_bad_records(void **state)
{
	Varve__V1__DnsMessage *out;

	(void)state;
	begin(&m, 0x8000, 1, 3, 0, 0);
	question(&m, 1);
	record(&m, 1, "\1\1\1", 3); /* an address of three bytes */
	record(&m, 1, "\1\1\1\1", 4);
	record(&m, 1, "\1\1\1\1", 4);
	m.b[m.len - 5] = 5; /* one byte more than there is */
	out = parse(&m);
	assert_string_equal(out->malformed, "bad_data");
	assert_int_equal(out->n_answers, 2);
	assert_null(out->answers[0]->data);
	assert_string_equal(out->answers[1]->data, "1.1.1.1");
	begin(&m, 0x8000, 1, 1, 0, 0);
	question(&m, 1);
	record(&m, 1, "\1\1\1\1", 4);
	m.len -= 5;
	assert_string_equal(parse(&m)->malformed, "short_record");
	/* A name in the data that goes beyond them, and one that ends before. */
	begin(&m, 0x8000, 1, 1, 0, 0);
	question(&m, 1);
	record(&m, 5, "\2a", 2);
	put(&m, "bc\0\0", 4);
	assert_string_equal(parse(&m)->malformed, "bad_data");
	begin(&m, 0x8000, 1, 1, 0, 0);
	question(&m, 1);
	record(&m, 5, "\1a\0x", 4);
	assert_string_equal(parse(&m)->malformed, "bad_data");
	begin(&m, 0x8000, 1, 1, 0, 0);
	question(&m, 1);
	record(&m, 16, "\5ab", 3);
	assert_string_equal(parse(&m)->malformed, "bad_data");
}

static void test_counts_that_lie(void **state)
{
	Varve__V1__DnsMessage *out;
	unsigned int i;

	(void)state;
	begin(&m, 0x8000, 65535, 65535, 65535, 65535);
	question(&m, 1);
	out = parse(&m);
	assert_int_equal(out->question_count, 65535);
	assert_int_equal(out->n_questions, 1);
	assert_string_equal(out->malformed, "short_name");
	/* And 64 KiB of the smallest questions: what is not shown is counted. */
	begin(&m, 0, 65535, 0, 0, 0);
	for (i = 0; i < 13000; i++)
		put(&m, "\0\0\1\0\1", 5);
	out = parse(&m);
	assert_int_equal(out->n_questions, DNS_RECORDS_MAX);
	assert_int_equal(out->records_left_out, 13000 - DNS_RECORDS_MAX);
	assert_string_equal(out->malformed, "short_name");
}

static void test_largest(void **state)
{
	size_t left = DNS_RECORDS_MAX;
	Varve__V1__DnsMessage *out;
	uint8_t text[60000];
	size_t i;

	(void)state;
	memset(text, 0xff, sizeof(text));
	for (i = 0; i < sizeof(text); i += 256)
		text[i] = MIN(sizeof(text) - i - 1, (size_t)255);
	begin(&m, 0x8000, 1, 1, 0, 0);
	question(&m, 16);
	record(&m, 16, text, sizeof(text));
	out = parse_cut(&m, m.len, &left);
	assert_null(out->malformed);
	assert_int_equal(out->answers[0]->data_length, sizeof(text));
	assert_true(out->answers[0]->data_cut);
	assert_int_equal(strlen(out->answers[0]->data), DNS_DATA_MAX);
	assert_int_equal(left, DNS_RECORDS_MAX - 2);
}

/* Every shorter capture of a good message: no complaint, and its length told. */
static void test_capture_cut(void **state)
{
	Varve__V1__DnsMessage *out = NULL;
	size_t n, left;

	(void)state;
	begin(&m, 0x8000, 1, 2, 0, 1);
	question(&m, 15);
	record(&m, 15, "\0\x0a\2mx\xc0\x10", 7);
	record(&m, 1, "\1\1\1\1", 4);
	record(&m, 6, "\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 26);
	for (n = 0; n < m.len; n++) {
		left = DNS_RECORDS_MAX;
		out = parse_cut(&m, n, &left);
		assert_null(out->malformed);
		assert_int_equal(out->length, m.len);
		assert_int_equal(out->captured_length, n);
	}
	assert_int_equal(out->n_answers, 2);
	assert_int_equal(out->n_additionals, 0);
	/* The same, ended by its sender. */
	for (n = m.len - 1; n; n--) {
		m.len = n;
		assert_non_null(parse(&m)->malformed);
	}
}

static void test_arena_used_up(void **state)
{
	struct arena small;
	Varve__V1__DnsMessage *out;
	size_t left, size;
	int err;

	(void)state;
	begin(&m, 0x8000, 1, 1, 0, 0);
	question(&m, 1);
	record(&m, 1, "\1\1\1\1", 4);
	for (size = 8, err = -ENOMEM; err; size += 8) {
		left = DNS_RECORDS_MAX;
		assert_int_equal(arena_init(&small, size), 0);
		err = dns_parse(m.b, m.len, m.len, &left, &small, &out);
		assert_true(!err || err == -ENOMEM);
		arena_fini(&small);
		assert_true(size < 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),	      cmocka_unit_test(test_data_of_each_type),
		cmocka_unit_test(test_codes),	      cmocka_unit_test(test_sections),
		cmocka_unit_test(test_name_escapes),  cmocka_unit_test(test_name_limits),
		cmocka_unit_test(test_name_pointers), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_bad_records),   cmocka_unit_test(test_counts_that_lie),
		cmocka_unit_test(test_largest),	      cmocka_unit_test(test_capture_cut),
		cmocka_unit_test(test_arena_used_up),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
