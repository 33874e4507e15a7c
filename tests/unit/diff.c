/* SPDX-License-Identifier: Apache-2.0 */
/* Two pods of one workload: what only one did, and nothing of what always differs. */
#include "tests/unit/cli.h"
#include "responder/deeds.h"

#define OTHER_POD "bbbbbbbb-0000-4000-8000-000000000002"
#define POD_A	  "default/web-5d8-aaaaa"
#define POD_B	  "default/web-5d8-bbbbb"

static void hash(struct fixture *f, struct sample_container *c, const char *path,
		 const char *sha256)
{
	Varve__V1__FileHash body = VARVE__V1__FILE_HASH__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	sample_begin(&f->s, &e, c, 69);
	file.path = (char *)path;
	body.file = &file;
	body.sha256 = (char *)sha256;
	e.ev.file_hash = &body;
	sample_put(&f->s, &e);
}

/* The same work, with other names and pids. */
static void work(struct fixture *f, struct sample_container *c, unsigned int pid)
{
	char path[128];

	sample_start(&f->s, c, false);
	sample_fork(&f->s, c, pid, 3990, "runc:[2:INIT]");
	sample_exec(&f->s, c, pid, 3990, "/usr/bin/web", "web", false);
	hash(f, c, "/usr/bin/web",
	     "1111111111111111111111111111111111111111111111111111111111111111");
	snprintf(path, sizeof(path), "/run/web.%u.pid", pid);
	sample_open_file(&f->s, c, pid, path, SAMPLE_CREATE);
	snprintf(path, sizeof(path), "/proc/%u/oom_score_adj", pid + 7);
	sample_open_file(&f->s, c, pid, path, SAMPLE_WRITE);
	snprintf(path, sizeof(path), "/log/%s/%lld.log", c->pod_name, (long long)f->s.now_ns);
	sample_open_file(&f->s, c, pid, path, SAMPLE_CREATE);
	sample_connect(&f->s, c, pid, "connected", false);
}

static void end(struct fixture *f, struct sample_container *c, unsigned int pid)
{
	sample_exit(&f->s, c, pid, 3990, 0, 0);
	sample_stop(&f->s, c);
	sample_account(&f->s, c, true, 0, 0);
}

static void write_two(struct fixture *f)
{
	f->c.pod_name = "web-5d8-aaaaa";
	f->other = (struct sample_container){.id = SAMPLE_ID2,
					     .name = "app",
					     .in_pod = true,
					     .pod_uid = OTHER_POD,
					     .pod_name = "web-5d8-bbbbb"};
	sample_run_start(&f->s, NULL, 0);
	work(f, &f->c, 4201);
	work(f, &f->other, 5301);
	sample_fork(&f->s, &f->other, 5302, 5301, "web");
	sample_exec(&f->s, &f->other, 5302, 5301, "/tmp/x", "x", true);
	hash(f, &f->other, "/tmp/x",
	     "2222222222222222222222222222222222222222222222222222222222222222");
	hash(f, &f->other, "/usr/bin/web",
	     "3333333333333333333333333333333333333333333333333333333333333333");
	sample_open_file(&f->s, &f->other, 5302, "/etc/shadow", SAMPLE_READ);
	sample_exit(&f->s, &f->other, 5302, 5301, 0, 0);
	end(f, &f->c, 4201);
	end(f, &f->other, 5301);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
}

static void test_only_one(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	assert_int_equal(varve(f, "diff|DIR|--pod|" POD_A "|--pod|" POD_B), 0);
	assert_string_equal(
		f->out,
		"A is " POD_A ", 11 records\n"
		"COMPLETE: 1 container, 11 records, nothing is missing\n"
		"B is " POD_B ", 17 records\n"
		"COMPLETE: 1 container, 17 records, nothing is missing\n"
		"\nOnly A, " POD_A ":\n"
		"  nothing\n"
		"\nOnly B, " POD_B ":\n"
		"  executed\n"
		"    2026-11-20T20:00:18.000000Z  /tmp/x\n"
		"  SHA-256 of what was executed or loaded\n"
		"    2026-11-20T20:00:20.000000Z  "
		"3333333333333333333333333333333333333333333333333333333333333333  /usr/bin/web\n"
		"  read secret\n"
		"    2026-11-20T20:00:21.000000Z  /etc/shadow\n"
		"\n6 things are the same\n"
		"1 file could not be compared: of one side the SHA-256 is not known\n"
		"\nA is " POD_A ", 11 records\n"
		"COMPLETE: 1 container, 11 records, nothing is missing\n"
		"B is " POD_B ", 17 records\n"
		"COMPLETE: 1 container, 17 records, nothing is missing\n");
	assert_string_equal(f->err, "");
	/* By UID and by container it is the same. */
	assert_int_equal(varve(f, "diff|DIR|--pod|" SAMPLE_POD "|--container|" SAMPLE_ID2), 0);
	assert_in(f->out, "\n  executed\n    2026-11-20T20:00:18.000000Z  /tmp/x\n");
}

static void test_json(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	assert_int_equal(varve(f, "diff|DIR|--pod|" POD_A "|--pod|" POD_B "|--json"), 0);
	assert_int_equal(lines(f->out), 4);
	assert_in(f->out, "{\"only\":\"B\",\"name\":\"" POD_B "\",\"what\":\"executed\",\"text\":"
			  "\"/tmp/x\",\"first\":\"2026-11-20T20:00:18.000000Z\",\"records\":1}\n");
	assert_in(f->out,
		  "{\"summary\":true,\"A\":{\"name\":\"" POD_A
		  "\",\"records\":11,\"verdict\":\"COMPLETE\",\"reasons\":[],\"left_out\":0}");
}

static void test_called_wrongly(void **state)
{
	struct fixture *f = *state;

	write_two(f);
	assert_int_equal(varve(f, "diff|DIR|--pod|" POD_A), 2);
	assert_in(f->err, "say what to compare: --pod A --pod B");
	assert_int_equal(varve(f, "diff|DIR|--pod|a/b|--pod|c/d|--pod|e/f"), 2);
	assert_in(f->err, "\"e/f\": two are compared, not more");
	assert_int_equal(varve(f, "diff|DIR|--pod|" POD_A "|--container|" SAMPLE_ID), 2);
	assert_in(f->err, "are the same");
	assert_int_equal(varve(f, "diff|DIR|--pod|" POD_A "|--pod|default/web-5d8-bbbbc"), 2);
	assert_in(f->err, "nearest: " POD_B);
	assert_string_equal(f->out, "");
}

/* What one lost shows in its verdict, and in the status. */
static void test_verdicts(void **state)
{
	struct fixture *f = *state;

	f->other = (struct sample_container){.id = SAMPLE_ID2, .name = "b"};
	f->c.in_pod = false;
	sample_run_start(&f->s, NULL, 0);
	work(f, &f->c, 4201);
	work(f, &f->other, 5301);
	sample_loss(&f->s, &f->other, "file", 120, SAMPLE_T0, SAMPLE_T0 + SAMPLE_SEC);
	end(f, &f->c, 4201);
	sample_heartbeat(&f->s);
	sample_run_end(&f->s);
	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(varve(f, "diff|DIR|--container|" SAMPLE_ID "|--container|" SAMPLE_ID2), 3);
	assert_in(f->out, "B is " SAMPLE_ID2 ", 9 records\n"
			  "UNKNOWN: the container still ran when the sensor ended (SIGTERM) at "
			  "2026-11-20T20:00:22.000000Z: its account is not closed\n"
			  "INCOMPLETE: 120 file events lost");
}

static const char *deed_of(struct deeds *d, const Varve__V1__Event *ev)
{
	deeds_fini(d);
	deeds_add(d, 0, &(struct usual){}, SAMPLE_T0, ev);
	return d->cnt ? d->v[0].text : "";
}

/* What says the same with other numbers is the same. */
static void test_bind(void **state)
{
	struct deeds d = {};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Bind b = VARVE__V1__BIND__INIT;
	Varve__V1__Endpoint got = VARVE__V1__ENDPOINT__INIT, asked = VARVE__V1__ENDPOINT__INIT;
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;

	(void)state;
	ev.body_case = VARVE__V1__EVENT__BODY_BIND;
	ev.bind = &b;
	ev.process = &p;
	b.protocol = (char *)"udp";
	b.address = &got;
	b.requested = &asked;
	got.ip = asked.ip = (char *)"0.0.0.0";
	SAMPLE_SET(&got, port, 44951);
	SAMPLE_SET(&asked, port, 0);
	assert_string_equal(deed_of(&d, &ev), "udp 0.0.0.0");
	SAMPLE_SET(&asked, port, 44951);
	assert_string_equal(deed_of(&d, &ev), "udp 0.0.0.0 port 44951");
	SAMPLE_SET(&b, call_errno, 98);
	assert_string_equal(deed_of(&d, &ev), "udp 0.0.0.0 port 44951 failed");
	SAMPLE_SET(&p, runtime_setup, 1);
	assert_string_equal(deed_of(&d, &ev), "");
	deeds_fini(&d);
}

/* A pid is no part of an address, and what everybody has is nobody's own. */
static void test_connect(void **state)
{
	struct deeds d = {};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Connect c = VARVE__V1__CONNECT__INIT;
	Varve__V1__Endpoint from = VARVE__V1__ENDPOINT__INIT, to = VARVE__V1__ENDPOINT__INIT;
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;

	(void)state;
	ev.body_case = VARVE__V1__EVENT__BODY_CONNECT;
	ev.connect = &c;
	ev.process = &p;
	SAMPLE_SET(&p, ns_pid, 8);
	c.protocol = (char *)"tcp";
	c.source = &from;
	c.destination = &to;
	from.ip = (char *)"10.0.0.9";
	to.ip = (char *)"8.8.8.8";
	SAMPLE_SET(&to, port, 53);
	assert_string_equal(deed_of(&d, &ev), "tcp 8.8.8.8 port 53");
	to.ip = from.ip;
	assert_string_equal(deed_of(&d, &ev), "tcp <pod IP> port 53");
	to.ip = from.ip = (char *)"127.0.0.1";
	assert_string_equal(deed_of(&d, &ev), "tcp 127.0.0.1 port 53");
	deeds_fini(&d);
}

/* One file that is many programs, or runs many. */
static void test_exec(void **state)
{
	struct deeds d = {};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exec x = VARVE__V1__EXEC__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	char *args[] = {(char *)"wget"};

	(void)state;
	ev.body_case = VARVE__V1__EVENT__BODY_EXEC;
	ev.exec = &x;
	x.file = &file;
	file.path = (char *)"/bin/busybox";
	x.args = args;
	x.n_args = 1;
	assert_string_equal(deed_of(&d, &ev), "/bin/busybox as wget");
	args[0] = (char *)"/bin/busybox";
	assert_string_equal(deed_of(&d, &ev), "/bin/busybox");
	x.interpreter = (char *)"/bin/busybox";
	x.filename = (char *)"/app/run.sh";
	assert_string_equal(deed_of(&d, &ev), "/bin/busybox runs /app/run.sh");
	deeds_fini(&d);
}

static const char *usual(const struct usual *u, const char *s)
{
	static char *text;
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;
	size_t len;

	free(text);
	SAMPLE_SET(&p, pid, 4201);
	SAMPLE_SET(&p, ns_pid, 37);
	FILE *out = open_memstream(&text, &len);

	usual_print(out, u, &p, s, strlen(s));
	fclose(out);
	return text;
}

static void test_usual(void **state)
{
	struct usual u = {};

	(void)state;
	usual_add(&u, "web-5d8", "<pod name>");
	usual_add(&u, "web", "<too short>");
	usual_add(&u, "10.42.0.7", "<pod IP>");
	usual_add(&u, SAMPLE_POD, "<pod uid>");
	usual_add(&u, NULL, "<none>");
	assert_int_equal(u.cnt, 3);
	assert_string_equal(usual(&u, "/log/web-5d8/x-web-5d8.log"),
			    "/log/<pod name>/x-<pod name>.log");
	assert_string_equal(usual(&u, "/web-5d80/web_web-5d8x"), "/web-5d80/web_web-5d8x");
	assert_string_equal(usual(&u, "10.42.0.7 110.42.0.71"), "<pod IP> 110.42.0.71");
	assert_string_equal(usual(&u, "/pods/" SAMPLE_POD "/x"), "/pods/<pod uid>/x");
	assert_string_equal(usual(&u, "/proc/99/task/100/fd/3"), "/proc/<pid>/task/<pid>/fd/3");
	assert_string_equal(usual(&u, "/tmp/a.4201 /tmp/b-37 /tmp/c370 v1"),
			    "/tmp/a.<pid> /tmp/b-<pid> /tmp/c370 v1");
	assert_string_equal(usual(&u, "/x/1795204800.log /x/ab12345678 20261120"),
			    "/x/<number>.log /x/ab12345678 <number>");
	assert_string_equal(usual(&u, "/cm/..2026_11_20_20_00_00.123456/key /cm/..data"),
			    "/cm/..<time>/key /cm/..data");
	assert_string_equal(usual(&u, ""), "");
	usual_fini(&u);
	assert_string_equal(usual(&u, "web-5d8"), "web-5d8");
}

/* A flood of one sort is counted, and does not take the room of another. */
static void test_limits(void **state)
{
	struct deeds d = {};
	struct usual u = {};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Open body = VARVE__V1__OPEN__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	char path[64];

	(void)state;
	ev.body_case = VARVE__V1__EVENT__BODY_OPEN;
	ev.open = &body;
	body.file = &file;
	file.path = path;
	SAMPLE_SET(&body, created, 1);
	for (unsigned int i = 0; i < DEEDS_OF_A_SORT + 7; i++) {
		snprintf(path, sizeof(path), "/tmp/f%u", i);
		deeds_add(&d, 0, &u, SAMPLE_T0, &ev);
	}
	ev.body_case = VARVE__V1__EVENT__BODY_EXEC;
	ev.exec = &exec;
	exec.file = &file;
	strcpy(path, "/tmp/\033[2Jx");
	deeds_add(&d, 1, &u, SAMPLE_T0, &ev);
	deeds_compare(&d);
	assert_int_equal(d.cnt, DEEDS_OF_A_SORT + 1);
	assert_int_equal(d.sorts[0].left_out[0], 7);
	assert_string_equal(d.v[0].sort, "executed");
	assert_string_equal(d.v[0].text, "/tmp/\\x1b[2Jx");
	assert_int_equal(d.v[0].cnt[0], 0);
	assert_int_equal(d.v[0].cnt[1], 1);
	deeds_fini(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_only_one),
		T(test_json),
		T(test_called_wrongly),
		T(test_verdicts),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_limits),
	};

	diag_init("varve", DIAG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
