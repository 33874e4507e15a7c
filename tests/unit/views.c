/* SPDX-License-Identifier: Apache-2.0 */
/* What a responder sees: tree, timeline and JSON lines of the same records; nothing hostile reaches
 * a terminal. */
#include "tests/unit/views.h"
#include "responder/proctree.h"

static void test_tree(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	show(f, &view_tree);
	assert_string_equal(
		f->text, "Container app\n"
			 "  pod       default/web-7f9  uid " SAMPLE_POD "\n"
			 "  id        " SAMPLE_ID "\n"
			 "  runtime   containerd\n"
			 "  image     docker.io/library/busybox:1.36\n"
			 "  node      worker-1\n"
			 "  from      2026-11-20T20:00:01.000000Z  (container started)\n"
			 "  to        2026-11-20T20:00:13.000000Z  (container removed)\n"
			 "  lasted    12.00 s\n"
			 "  records   14\n"
			 "\n"
			 "3990 containerd-shim  [known only as a parent]\n"
			 "└─ 4201 sh -c \"cp /bin/id /tmp/x; /tmp/x\"\n"
			 "   │    /bin/sh  comm sh  euid 0  pid 1 inside\n"
			 "   │    20:00:02.000000 forked, 20:00:03.000000 exec, 20:00:12.000000 "
			 "exit code 3 (10.00 s)\n"
			 "   │    20:00:05.000000 read secret /run/secrets/token\n"
			 "   │    20:00:06.000000 create      /tmp/x\n"
			 "   │    read 1 other file (in --format timeline)\n"
			 "   └─ 4202 /tmp/x --go\n"
			 "           /tmp/x [upper layer]  comm sh  euid 0  pid 2 inside\n"
			 "           20:00:07.000000 forked, 20:00:08.000000 exec, 20:00:11.000000 "
			 "exit signal 9 (SIGKILL) (4.00 s)\n"
			 "           20:00:10.000000 connect     tcp to 192.0.2.7:4444 connected\n"
			 "\n");
}

static void test_tree_marks_setup_and_repeats(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_fork(&f->s, &f->c, 4100, 3990, "runc:[1:CHILD]");
	sample_fork(&f->s, &f->c, 4101, 4100, "runc:[2:INIT]");
	for (int i = 0; i < 3; i++)
		sample_connect(&f->s, &f->c, 4101, "failed", false);
	sample_exec(&f->s, &f->c, 4101, 4100, "/bin/sh", "sh", false);
	sample_exec(&f->s, &f->c, 4101, 4100, "/bin/ls", "ls|a b", false);
	show(f, &view_tree);
	assert_shows(f, "4100 runc:[1:CHILD]  [forked, no exec]  [runtime set-up]\n");
	assert_shows(f, "4101 ls \"a b\"\n");
	assert_shows(f, "connect     tcp to 192.0.2.7:4444 failed (ECONNREFUSED)  x3, last "
			"20:00:05.000000\n");
	assert_shows(f, "exec        /bin/sh: sh");
	assert_shows(f, "exec        /bin/ls: ls \"a b\"");
	assert_shows(f, "no exit seen");
	assert_shows(f, "first record; the start is not in the evidence");
}

static void sample_entered(struct fixture *f, unsigned int pid, const char *how, bool itself)
{
	Varve__V1__Entry entry = VARVE__V1__ENTRY__INIT;
	Varve__V1__Fork body = VARVE__V1__FORK__INIT;
	struct sample_event e;

	sample_begin(&f->s, &e, &f->c, 16);
	e.ev.fork = &body;
	sample_process(&e, pid, 3990, "x");
	entry.how = (char *)how;
	entry.process_uid = itself ? e.process.process_uid : "another";
	e.process.entry = &entry;
	sample_number(&e);
	sample_put(&f->s, &e);
}

/* Who came in from outside is marked, and not those that descend from it. */
static void test_tree_marks_sessions(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_entered(f, 51, "session", true);
	sample_entered(f, 52, "session", false);
	sample_entered(f, 53, "entrypoint", true);
	show(f, &view_tree);
	assert_shows(f, "51 x  [forked, no exec]  [session: came in from outside]\n");
	assert_shows(f, "52 x  [forked, no exec]\n");
	assert_shows(f, "53 x  [forked, no exec]\n");
}

static void test_tree_of_two_containers(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_life(&f->s, &f->other);
	show(f, &view_tree);
	assert_shows(f, "Container app\n");
	assert_shows(f, "Container side\n");
	assert_int_equal(count_of(f->text, "3990 containerd-shim"), 2);
	assert_int_equal(count_of(f->text, "4202 /tmp/x --go"), 2);
}

static void test_tree_survives_rings(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_fork(&f->s, &f->c, 1, 2, "a");
	sample_fork(&f->s, &f->c, 2, 3, "b");
	sample_fork(&f->s, &f->c, 3, 1, "c");
	sample_fork(&f->s, &f->c, 4, 4, "d");
	sample_fork(&f->s, &f->c, 5, 2, "e");
	show(f, &view_tree);
	for (int i = 1; i <= 5; i++) {
		char line[16];

		snprintf(line, sizeof(line), "%d %c  [", i, 'a' + i - 1);
		assert_int_equal(count_of(f->text, line), 1);
	}
}

static void test_tree_of_great_depth(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	for (unsigned int i = 1; i <= 3000; i++)
		sample_fork(&f->s, &f->c, 10000 + i, 10000 + i - 1, "deep");
	show(f, &view_tree);
	assert_shows(f, "(2960 levels) ");
	assert_shows(f, "13000 deep  [forked, no exec]\n");
}

static void test_tree_bounds_lines(void **state)
{
	struct fixture *f = *state;
	char path[32];

	sample_run_start(&f->s, NULL, 0);
	for (int i = 0; i < PROCTREE_LINES + 7; i++) {
		snprintf(path, sizeof(path), "/tmp/%d.", i);
		sample_open_file(&f->s, &f->c, 4201, path, SAMPLE_WRITE);
	}
	show(f, &view_tree);
	assert_shows(f, "... and 7 more (all are in --format timeline)\n");
	assert_int_equal(count_of(f->text, " write "), PROCTREE_LINES);
}

static void put_comm(struct fixture *f, unsigned int pid, unsigned int parent, bool setup)
{
	Varve__V1__Comm body = VARVE__V1__COMM__INIT;
	struct sample_event e;

	body.old_name = (char *)"sh";
	body.new_name = (char *)"true";
	SAMPLE_SET(&body, tid, pid);
	sample_begin(&f->s, &e, &f->c, 70);
	e.ev.comm = &body;
	sample_process(&e, pid, parent, "sh");
	if (setup)
		SAMPLE_SET(&e.process, runtime_setup, 1);
	sample_put(&f->s, &e);
}

/* What the runtime does is not what the container does. */
static void test_tree_counts_the_set_up(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	put_comm(f, 4201, 3990, true);
	put_comm(f, 4201, 3990, true);
	sample_exec(&f->s, &f->c, 4201, 3990, "/bin/sh", "sh", false);
	put_comm(f, 4201, 3990, false);
	show(f, &view_tree);
	assert_shows(f, "2 more of the runtime's set-up (in --format timeline)\n");
	assert_int_equal(count_of(f->text, "comm        sh is now true\n"), 1);
}

static void one_child(struct fixture *f, unsigned int pid, const char *args, int code)
{
	sample_fork(&f->s, &f->c, pid, 4201, "sh");
	put_comm(f, pid, 4201, false);
	sample_exec(&f->s, &f->c, pid, 4201, "/bin/true", args, false);
	sample_exit(&f->s, &f->c, pid, 4201, code, 0);
}

/* What differs in one thing is shown, and so is what has children. */
static void test_tree_folds_what_is_the_same(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_exec(&f->s, &f->c, 4201, 3990, "/bin/sh", "sh", false);
	for (unsigned int i = 0; i < 500; i++)
		one_child(f, 5000 + i, "true|-x", 0);
	one_child(f, 6000, "true|-x", 1);
	one_child(f, 6001, "true|-y", 0);
	one_child(f, 6002, "true|-y", 0);
	one_child(f, 6003, "true|-x", 0);
	sample_fork(&f->s, &f->c, 6004, 6003, "sh");
	show(f, &view_tree);
	assert_shows(f, "5000 true -x  [and 499 more that did the same, the last 5499 at "
			"20:33:18.000000; counts and bytes are of all]\n");
	assert_null(strstr(f->text, "5001 true"));
	assert_null(strstr(f->text, "5499 true"));
	for (unsigned int pid = 6000; pid <= 6003; pid++) {
		char line[24];

		snprintf(line, sizeof(line), "%u true -%c\n", pid, pid % 3 == 0 ? 'x' : 'y');
		assert_shows(f, line);
	}
	assert_shows(f, "6004 sh  [forked, no exec]\n");
	assert_int_equal(count_of(f->text, " true -"), 5);
}

/* The last child is left out: what is drawn last closes the branch. */
static void test_tree_folds_the_last(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_exec(&f->s, &f->c, 4201, 3990, "/bin/sh", "sh", false);
	for (unsigned int i = 0; i < 3; i++) {
		one_child(f, 5000 + i, "true", 0);
		/* Of all that is folded what was done is added up. */
		for (unsigned int n = 0; n <= i; n++)
			sample_open_file(&f->s, &f->c, 5000 + i, "/etc/hosts", SAMPLE_READ);
		for (unsigned int n = 0; n <= i; n++)
			sample_open_file(&f->s, &f->c, 5000 + i, "/tmp/x", SAMPLE_WRITE);
	}
	show(f, &view_tree);
	assert_shows(f, "   └─ 5000 true  [and 2 more");
	assert_shows(f, "read 6 other files");
	assert_shows(f, "/tmp/x  x6, last ");
	assert_null(strstr(f->text, "5001 true"));
	assert_null(strstr(f->text, "5002 true"));
}

static void test_tree_does_not_fold_sessions(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_exec(&f->s, &f->c, 3990, 1, "/bin/sh", "sh", false);
	for (unsigned int i = 0; i < 5; i++)
		sample_entered(f, 51 + i, "session", true);
	show(f, &view_tree);
	assert_int_equal(count_of(f->text, "[session: came in from outside]"), 5);
}

static void test_tree_tells_how_a_session_came(void **state)
{
	struct fixture *f = *state;
	Varve__V1__ExecSession body = VARVE__V1__EXEC_SESSION__INIT;
	Varve__V1__OtherProcess by = VARVE__V1__OTHER_PROCESS__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	SAMPLE_SET(&by, pid, 99);
	by.name = (char *)"runc";
	body.by = &by;
	body.by_cmd_line = (char *)"runc exec -t web";
	body.how = (char *)"cloned";
	sample_begin(&f->s, &e, &f->c, 67);
	e.ev.exec_session = &body;
	sample_process(&e, 51, 3990, "runc:[2:INIT]");
	sample_put(&f->s, &e);
	show(f, &view_tree);
	assert_shows(f, "51 runc:[2:INIT]  [session: came in from outside]\n");
	assert_shows(f, "  cloned by 99 runc: runc exec -t web\n");
}

static void test_tree_tells_scripts_and_users(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Exec body = VARVE__V1__EXEC__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	file.path = (char *)"/bin/bash";
	SAMPLE_SET(&file, unlinked, 1);
	body.file = &file;
	body.filename = (char *)"/tmp/run.sh";
	body.interpreter = (char *)"/bin/bash";
	sample_begin(&f->s, &e, &f->c, 17);
	e.ev.exec = &body;
	sample_process(&e, 51, 3990, "run.sh");
	SAMPLE_SET(&e.process, uid, 1000);
	sample_put(&f->s, &e);
	show(f, &view_tree);
	assert_shows(f, "/bin/bash [unlinked] [runs script /tmp/run.sh]  comm run.sh  user 1000  "
			"euid 0  pid 51 inside\n");
}

static void put_flow(struct fixture *f, const char *end)
{
	Varve__V1__UdpFlow body = VARVE__V1__UDP_FLOW__INIT;
	Varve__V1__Endpoint to = VARVE__V1__ENDPOINT__INIT;
	struct sample_event e;

	to.ip = (char *)"2001:db8::5";
	SAMPLE_SET(&to, port, 123);
	body.direction = (char *)"outbound";
	body.destination = &to;
	body.end = (char *)end;
	SAMPLE_SET(&body, bytes_sent, 48);
	SAMPLE_SET(&body, bytes_received, 96);
	sample_begin(&f->s, &e, &f->c, 58);
	e.ev.udp_flow = &body;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
}

static void put_close(struct fixture *f)
{
	Varve__V1__Close body = VARVE__V1__CLOSE__INIT;
	Varve__V1__Endpoint to = VARVE__V1__ENDPOINT__INIT;
	struct sample_event e;

	to.ip = (char *)"192.0.2.7";
	SAMPLE_SET(&to, port, 4444);
	body.protocol = (char *)"tcp";
	body.role = (char *)"client";
	body.destination = &to;
	SAMPLE_SET(&body, bytes_sent, 10);
	SAMPLE_SET(&body, bytes_received, 20);
	sample_begin(&f->s, &e, &f->c, 57);
	e.ev.close = &body;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
}

static void test_tree_adds_bytes(void **state)
{
	struct fixture *f = *state;
	Varve__V1__CloseWrite body = VARVE__V1__CLOSE_WRITE__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_connect(&f->s, &f->c, 4201, "connected", false);
	put_close(f);
	put_close(f);
	put_flow(f, NULL);
	put_flow(f, "idle");
	sample_open_file(&f->s, &f->c, 4201, "/tmp/a", SAMPLE_CREATE);
	file.path = (char *)"/tmp/a";
	body.file = &file;
	SAMPLE_SET(&body, bytes_written, 7);
	sample_begin(&f->s, &e, &f->c, 43);
	e.ev.close_write = &body;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
	show(f, &view_tree);
	assert_shows(f,
		     "connect     tcp to 192.0.2.7:4444 connected  20 bytes sent, 40 received\n");
	assert_shows(f, "udp         to [2001:db8::5]:123  48 bytes sent, 96 received\n");
	assert_shows(f, "create      /tmp/a  7 bytes written\n");
}

static void test_timeline(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	show(f, &view_timeline);
	assert_int_equal(count_of(f->text, "\n"), 14);
	assert_shows(
		f,
		"2026-11-20T20:00:01.000000Z  CONTAINER_START    3980 runc  cgroup /kubepods/x\n");
	assert_shows(
		f, "2026-11-20T20:00:02.000000Z  FORK               4201 runc:[2:INIT] [runtime]  "
		   "by 3990 containerd-shim\n");
	assert_shows(f, "2026-11-20T20:00:03.000000Z  EXEC               4201 sh  /bin/sh: sh -c "
			"\"cp /bin/id /tmp/x; /tmp/x\", euid 0\n");
	assert_shows(f, "OPEN               4201 sh  /tmp/x created\n");
	assert_shows(f, "CONNECT            4202 sh  tcp to 192.0.2.7:4444 in progress\n");
	assert_shows(f, "EXIT               4202 sh  signal 9 (SIGKILL)\n");
	assert_shows(
		f,
		"ACCOUNT               -  closed, process 6 = 6 recorded + 0 lost + 0 suppressed");
}

static void test_timeline_names_containers(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_start(&f->s, &f->other, false);
	show(f, &view_timeline);
	assert_shows(f, "Z  app  CONTAINER_START");
	assert_shows(f, "Z  side  CONTAINER_START");
}

static void test_too_many_processes_are_counted(void **state)
{
	struct fixture *f = *state;
	struct proctree tree;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	f->h = sample_load(&f->s, INT64_MIN, INT64_MAX);
	proctree_init(&tree, f->h);
	for (unsigned int i = 0; i < PROCTREE_PROCS + 5; i++) {
		Varve__V1__Fork body = VARVE__V1__FORK__INIT;

		sample_begin(&f->s, &e, &f->c, 16);
		e.ev.fork = &body;
		sample_process(&e, 5000 + i, 1, "bomb");
		proctree_add(&tree, NULL, &e.ev);
	}
	assert_int_equal(tree.proc_cnt, PROCTREE_PROCS);
	assert_int_equal(tree.more_cnt, 6); /* the parent of all took one's place */
	proctree_fini(&tree);
}

/* A query and its answer, as somebody reads them. */
static void test_timeline_of_dns(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Endpoint server = VARVE__V1__ENDPOINT__INIT;
	Varve__V1__DnsQuestion question = VARVE__V1__DNS_QUESTION__INIT, *questions = &question;
	Varve__V1__DnsRecord answer = VARVE__V1__DNS_RECORD__INIT, *answers = &answer;
	Varve__V1__DnsMessage message = VARVE__V1__DNS_MESSAGE__INIT, *messages = &message;
	Varve__V1__Dns dns = VARVE__V1__DNS__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	server.ip = (char *)"192.0.2.53";
	SAMPLE_SET(&server, port, 53);
	question.name = (char *)"c2.example\033[2J";
	question.type = (char *)"A";
	message.questions = &questions;
	message.n_questions = 1;
	dns.messages = &messages;
	dns.n_messages = 1;
	dns.protocol = (char *)"udp";
	dns.direction = (char *)"sent";
	dns.destination = &server;
	for (int is_answer = 0; is_answer < 2; is_answer++) {
		if (is_answer) {
			SAMPLE_SET(&message, response, true);
			message.rcode = (char *)"NOERROR";
			answer.type = (char *)"A";
			answer.data = (char *)"192.0.2.7";
			message.answers = &answers;
			message.n_answers = 1;
			dns.direction = (char *)"received";
			dns.source = &server;
		}
		sample_begin(&f->s, &e, &f->c, VARVE__V1__EVENT__BODY_DNS);
		e.ev.dns = &dns;
		sample_put(&f->s, &e);
	}
	show(f, &view_timeline);
	assert_shows(f, " c2.example\\x1b[2J A? to 192.0.2.53:53 udp\n");
	assert_shows(f, " c2.example\\x1b[2J A: 192.0.2.7 from 192.0.2.53:53 udp\n");
}

static void test_jsonl(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	show(f, &view_jsonl);
	assert_int_equal(count_of(f->text, "\n"), 14);
	assert_int_equal(strncmp(f->text, "{\"kind\":\"CONTAINER_START\",\"sequence\":\"2\",", 40),
			 0);
	assert_shows(f, "\"exec\":{\"file\":{\"path\":\"/bin/sh\"}");
	assert_int_equal(view_jsonl.verdict, VIEW_VERDICT_STDERR);
}

static const char hostile[] = "\033]0;pwned\a\r\nroot: \\ \xe2\x80\xae.txt\x9b";

static void put_hostile(struct fixture *f)
{
	Varve__V1__Open open = VARVE__V1__OPEN__INIT;
	Varve__V1__Rename rename = VARVE__V1__RENAME__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	file.path = (char *)hostile;
	SAMPLE_SET(&file, memfd, 1);
	SAMPLE_SET(&file, unlinked, 1);
	open.file = rename.old_file = &file;
	SAMPLE_SET(&open, created, 1);
	sample_begin(&f->s, &e, &f->c, 21);
	e.ev.open = &open;
	sample_process(&e, 4201, 3990, hostile);
	e.parent.name = (char *)hostile;
	sample_put(&f->s, &e);
	file.has_path_raw = 1;
	file.path_raw = (ProtobufCBinaryData){.len = 3, .data = (uint8_t *)"\xff\033\n"};
	sample_begin(&f->s, &e, &f->c, 22);
	e.ev.rename = &rename;
	e.ev.kind = (char *)hostile;
	sample_process(&e, 4201, 3990, hostile);
	sample_put(&f->s, &e);
}

static void expect_harmless(const struct fixture *f)
{
	for (size_t i = 0; i < f->len; i++)
		if ((unsigned char)f->text[i] < 0x20 && f->text[i] != '\n')
			fail_msg("byte %02x at %zu", f->text[i], i);
	assert_null(strstr(f->text, "\xe2\x80\xae"));
	assert_null(memchr(f->text, 0x7f, f->len));
	assert_null(strstr(f->text, "\nroot"));
}

static void test_hostile_names(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->c.name = hostile;
	put_hostile(f);
	sample_exec(&f->s, &f->c, 4201, 3990, hostile, hostile, false);
	show(f, &view_tree);
	expect_harmless(f);
	assert_shows(f, "[unlinked] [memfd]");
	show(f, &view_timeline);
	expect_harmless(f);
	assert_shows(f, "\\xff\\x1b\\n");
	show(f, &view_jsonl);
	assert_null(strchr(f->text, '\033'));
	assert_int_equal(count_of(f->text, "\n"), 3);
}

/* A kind without words of its own, and attempts that failed. */
static void test_any_kind_and_failures(void **state)
{
	struct fixture *f = *state;
	Varve__V1__IoUring ring = VARVE__V1__IO_URING__INIT;
	Varve__V1__Open open = VARVE__V1__OPEN__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_exec(&f->s, &f->c, 4201, 3990, "/bin/sh", "sh", false);
	SAMPLE_SET(&ring, entries, 8);
	SAMPLE_SET(&ring, call_errno, EPERM);
	sample_begin(&f->s, &e, &f->c, 65);
	e.ev.io_uring = &ring;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
	file.path = (char *)"/etc/shadow";
	open.file = &file;
	SAMPLE_SET(&open, call_errno, EACCES);
	sample_begin(&f->s, &e, &f->c, 21);
	e.ev.open = &open;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
	show(f, &view_timeline);
	assert_shows(f, "entries=8 failed: EPERM (Operation not permitted)");
	assert_shows(f, "/etc/shadow failed: EACCES (Permission denied)");
	show(f, &view_tree);
	assert_shows(f, "io_uring    entries=8 failed: EPERM");
	assert_shows(f, "open        /etc/shadow failed: EACCES");
}

static void test_args_raw_and_cut(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Exec body = VARVE__V1__EXEC__INIT;
	char *args[] = {(char *)"sh", (char *)"", (char *)"say \"hi\""};
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	body.args = args;
	body.n_args = ARRAY_SIZE(args);
	body.has_args_tail_raw = 1;
	body.args_tail_raw = (ProtobufCBinaryData){.len = 7, .data = (uint8_t *)"a\xff\0last"};
	SAMPLE_SET(&body, args_truncated, 1);
	SAMPLE_SET(&body, args_count, 900);
	SAMPLE_SET(&body, args_length, 99999);
	sample_begin(&f->s, &e, &f->c, 17);
	e.ev.exec = &body;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
	show(f, &view_timeline);
	assert_shows(
		f,
		"?: sh \"\" \"say \\\"hi\\\"\" ... a\\xff last [cut: 900 arguments, 99999 bytes]");
}

static void test_records_without_bodies(void **state)
{
	struct fixture *f = *state;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	for (unsigned int kind = 16; kind < 35; kind++) {
		sample_begin(&f->s, &e, &f->c, kind);
		e.ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
		e.ev.has_time_unix_nano = 0;
		sample_process(&e, 4201, 3990, "sh");
		e.process.parent = NULL;
		sample_put(&f->s, &e);
	}
	sample_begin(&f->s, &e, &f->c, 16);
	e.ev.kind = (char *)"PTRACE"; /* of a later schema */
	e.ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
	sample_put(&f->s, &e);
	show(f, &view_timeline);
	assert_int_equal(count_of(f->text, "\n"), 20);
	assert_shows(f, "PTRACE");
	show(f, &view_tree);
	assert_shows(f, "4201 sh\n");
}

/* Evidence that someone has tampered with: any bytes may come, nothing may break. */
static void test_mutated_records(void **state)
{
	static const struct view_type *const views[] = {VIEWS(VIEW_ADDRESS)};
	struct fixture *f = *state;
	unsigned int seed = 4711;

	sample_run_start(&f->s, NULL, 0);
	put_hostile(f);
	sample_life(&f->s, &f->c);
	for (int round = 0; round < 600; round++) {
		struct sample_item *item = &f->s.items[rand_r(&seed) % f->s.cnt];
		struct sample_item *whole = &f->s.items[f->s.cnt - 1];

		if (item == whole)
			continue;
		item->payload[rand_r(&seed) % item->len] ^= 1 << rand_r(&seed) % 8;
		show(f, views[round % ARRAY_SIZE(views)]);
		assert_null(strchr(f->text, '\033'));
		assert_int_equal(strlen(f->text), f->len);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_tree),
		T(test_tree_marks_setup_and_repeats),
		T(test_tree_marks_sessions),
		T(test_tree_of_two_containers),
		T(test_tree_survives_rings),
		T(test_tree_of_great_depth),
		T(test_tree_bounds_lines),
		T(test_tree_folds_what_is_the_same),
		T(test_tree_folds_the_last),
		T(test_tree_counts_the_set_up),
		T(test_tree_does_not_fold_sessions),
		T(test_tree_tells_how_a_session_came),
		T(test_tree_tells_scripts_and_users),
		T(test_tree_adds_bytes),
		T(test_timeline),
		T(test_timeline_names_containers),
		T(test_too_many_processes_are_counted),
		T(test_timeline_of_dns),
		T(test_jsonl),
		T(test_hostile_names),
		T(test_any_kind_and_failures),
		T(test_args_raw_and_cut),
		T(test_records_without_bodies),
		T(test_mutated_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
