/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of indicators as people get them, and what matches them. */
#include "tests/unit/responder_sample.h"
#include "evidence/diag.h"
#include "responder/indicators.h"
#include <sys/mman.h>

#define HASH "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"

struct fixture {
	struct indicators in;
	char err[1024], matched[1024];
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	indicators_fini(&f->in);
	free(f);
	return 0;
}

/* What was said is kept. */
static int parse(struct fixture *f, const char *text, size_t len)
{
	int fd = memfd_create("stderr", 0), old = dup(2);

	fflush(stderr);
	dup2(fd, 2);
	int err = indicators_parse(&f->in, "list.txt", text, len);

	fflush(stderr);
	dup2(old, 2);
	ssize_t n = pread(fd, f->err, sizeof(f->err) - 1, 0);

	f->err[n < 0 ? 0 : n] = 0;
	close(fd);
	close(old);
	return err;
}

static void add_match(size_t number, void *ctx)
{
	struct fixture *f = ctx;

	strcat(f->matched, *f->matched ? " " : "");
	strcat(f->matched, f->in.v[number].text);
}

static const char *match(struct fixture *f, const Varve__V1__Event *ev)
{
	f->matched[0] = 0;
	indicators_match(&f->in, ev, add_match, f);
	return f->matched;
}

static void test_file(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "\xef\xbb\xbf# from the feed\r\n"
				   "\r\n"
				   "/tmp/.x/*   # dropped there\n"
				   "192.0.2.7\n"
				   "10.1.2.3/8\n"
				   "2001:DB8:0::1\n"
				   "2001:db8::/32\n"
				   "198[.]51.100[.]9\n" HASH "\n"
				   "evil[.]Example.\n"
				   "*.bad.example\n"
				   "exec\tcurl -s *\n"
				   "user root\n"
				   "comm kworker/0:*\n"
				   "ip 192.0.2.7\n"
				   "path a b#c\n"
				   "domain localhost";
	static const struct {
		enum indicator_type type;
		const char *text, *where;
	} want[] = {
		{INDICATOR_PATH, "/tmp/.x/*", "list.txt:3"},
		{INDICATOR_IP, "192.0.2.7", "list.txt:4"},
		{INDICATOR_IP, "10.0.0.0/8", "list.txt:5"},
		{INDICATOR_IP, "2001:db8::1", "list.txt:6"},
		{INDICATOR_IP, "2001:db8::/32", "list.txt:7"},
		{INDICATOR_IP, "198.51.100.9", "list.txt:8"},
		{INDICATOR_SHA256,
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "list.txt:9"},
		{INDICATOR_DOMAIN, "evil.example", "list.txt:10"},
		{INDICATOR_DOMAIN, "bad.example", "list.txt:11"},
		{INDICATOR_EXEC, "curl -s *", "list.txt:12"},
		{INDICATOR_USER, "0", "list.txt:13"},
		{INDICATOR_COMM, "kworker/0:*", "list.txt:14"},
		{INDICATOR_PATH, "a b#c", "list.txt:16"},
		{INDICATOR_DOMAIN, "localhost", "list.txt:17"},
	};

	assert_int_equal(parse(f, text, strlen(text)), 0);
	assert_string_equal(f->err, "");
	assert_int_equal(f->in.cnt, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(f->in.v[i].type, want[i].type);
		assert_string_equal(f->in.v[i].text, want[i].text);
		assert_string_equal(f->in.v[i].where, want[i].where);
	}
}

static void test_errors_name_line_and_word(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"\n\nevil\n", "list.txt:3: \"evil\" is neither a path nor "},
		{"hash abc\n", "list.txt:1: \"hash\" is no type: want path, sha256, ip, "},
		{"sha256 abc # x\n", "list.txt:1: \"abc\" is no SHA-256 (64 hexadecimal digits)"},
		{"d41d8cd98f00b204e9800998ecf8427e\n", "list.txt:1: \"d41d8cd98f00b204e98009"},
		{"ip 10.0.0.256\n", "list.txt:1: \"10.0.0.256\" is neither an IPv4 or IPv6"},
		{"10.0.0.0/33\n", "list.txt:1: \"10.0.0.0/33\" is neither a path nor"},
		{"ip 10.0.0.0/33\n", "list.txt:1: \"10.0.0.0/33\" has no such prefix length"},
		{"ip 10.0.0.0/\n", "list.txt:1: \"10.0.0.0/\" has no such prefix length"},
		{"http://evil.example/x\n", "list.txt:1: \"http://evil.example/x\" is neither"},
		{"domain a..b\n", "list.txt:1: \"a..b\" is no name of a domain"},
		{"user alice\n", "list.txt:1: \"alice\" is no uid: records have numbers"},
		{"user 4294967296\n", "list.txt:1: \"4294967296\" is no uid"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse(f, bad[i].text, strlen(bad[i].text)), -EINVAL);
		if (!strstr(f->err, bad[i].says))
			fail_msg("\"%s\" is not in: %s", bad[i].says, f->err);
		assert_int_equal(f->in.cnt, 0);
	}
	assert_int_equal(parse(f, "/a\n/b\0c\n", 9), -EINVAL);
	assert_non_null(strstr(f->err, "list.txt:2: \"/b\" has a NUL behind it"));
}

static void test_addresses(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Connect c = VARVE__V1__CONNECT__INIT;
	Varve__V1__Endpoint to = VARVE__V1__ENDPOINT__INIT;
	static const char *const cases[][2] = {
		{"192.0.2.7", "192.0.2.7 192.0.2.0/29"}, {"192.0.2.8", ""},
		{"::ffff:192.0.2.1", "192.0.2.0/29"},	 {"2001:db8:0:0:0:0:0:1", "2001:db8::1"},
		{"fe80::1%eth0", "fe80::/10"},		 {"not an address", ""},
	};

	ev.body_case = VARVE__V1__EVENT__BODY_CONNECT;
	ev.connect = &c;
	c.destination = &to;
	assert_int_equal(indicators_add(&f->in, INDICATOR_IP, "192.0.2.7"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_IP, "192.0.2.3/29"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_IP, "::ffff:192.0.2.7"), 0);
	assert_int_equal(f->in.cnt, 2);
	assert_int_equal(indicators_add(&f->in, INDICATOR_IP, "2001:db8::1"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_IP, "fe80::/10"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		to.ip = (char *)cases[i][0];
		assert_string_equal(match(f, &ev), cases[i][1]);
	}
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Dns dns = VARVE__V1__DNS__INIT;
	Varve__V1__DnsMessage m = VARVE__V1__DNS_MESSAGE__INIT, *messages[] = {&m};
	Varve__V1__DnsQuestion q = VARVE__V1__DNS_QUESTION__INIT, *questions[] = {&q};
	static const char *const cases[][2] = {
		{"Evil.Example.", "evil.example"},
		{"c2.evil.example", "evil.example"},
		{"notevil.example", ""},
		{"evil.example.com", ""},
		{"", ""},
		{".", ""},
	};

	ev.body_case = VARVE__V1__EVENT__BODY_DNS;
	ev.dns = &dns;
	dns.messages = messages;
	dns.n_messages = 1;
	m.questions = questions;
	m.n_questions = 1;
	assert_int_equal(indicators_add(&f->in, INDICATOR_DOMAIN, "evil.example"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		q.name = (char *)cases[i][0];
		assert_string_equal(match(f, &ev), cases[i][1]);
	}
}

static void test_programs(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;

	ev.body_case = VARVE__V1__EVENT__BODY_EXEC;
	ev.exec = &exec;
	ev.process = &p;
	exec.file = &file;
	file.path = (char *)"/usr/bin/curl";
	exec.cmd_line = (char *)"curl -s http://192.0.2.7/x";
	p.name = (char *)"curl";
	SAMPLE_SET(&p, uid, 1000);
	SAMPLE_SET(&p, euid, 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_EXEC, "curl"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_EXEC, "*192.0.2.7*"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_EXEC, "/bin/*"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_USER, "0"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_USER, "1001"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_COMM, "cu*"), 0);
	assert_int_equal(indicators_add(&f->in, INDICATOR_PATH, "/usr/bin/curl"), 0);
	assert_string_equal(match(f, &ev), "0 cu* curl *192.0.2.7* /usr/bin/curl");
	/* A record of a process that runs it. */
	ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
	p.exe_path = (char *)"/bin/curl";
	assert_string_equal(match(f, &ev), "0 cu* curl /bin/*");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file),      TEST(test_errors_name_line_and_word),
		TEST(test_addresses), TEST(test_names),
		TEST(test_programs),
	};

	diag_init("varve", DIAG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
