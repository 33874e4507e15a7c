/* SPDX-License-Identifier: Apache-2.0 */
/* The view "summary": each subject's things, counted, with bytes, names and hashes; bounded. */
#include "tests/unit/views.h"
#include "responder/tally.h"

#define HASH "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

/* Begins a record of process 4201, sh. */
static void begin(struct fixture *f, struct sample_event *e, unsigned int kind)
{
	sample_begin(&f->s, e, &f->c, kind);
	sample_process(e, 4201, 3990, "sh");
}

static void put_close(struct fixture *f, const char *role, uint64_t sent, uint64_t received)
{
	Varve__V1__Close body = VARVE__V1__CLOSE__INIT;
	Varve__V1__Endpoint from = VARVE__V1__ENDPOINT__INIT, to = VARVE__V1__ENDPOINT__INIT;
	struct sample_event e;

	to.ip = (char *)"192.0.2.7";
	SAMPLE_SET(&to, port, 4444);
	from.ip = (char *)"198.51.100.1";
	SAMPLE_SET(&from, port, 40000 + sent);
	body.protocol = (char *)"tcp";
	body.role = (char *)role;
	body.source = &from;
	body.destination = &to;
	SAMPLE_SET(&body, bytes_sent, sent);
	SAMPLE_SET(&body, bytes_received, received);
	begin(f, &e, 57);
	e.ev.close = &body;
	sample_put(&f->s, &e);
}

static void put_flow(struct fixture *f, const char *end, uint64_t sent)
{
	Varve__V1__UdpFlow body = VARVE__V1__UDP_FLOW__INIT;
	Varve__V1__Endpoint to = VARVE__V1__ENDPOINT__INIT;
	struct sample_event e;

	to.ip = (char *)"2001:db8::5";
	SAMPLE_SET(&to, port, 53);
	body.protocol = (char *)"udp";
	body.direction = (char *)"outbound";
	body.destination = &to;
	body.end = (char *)end;
	SAMPLE_SET(&body, bytes_sent, sent);
	SAMPLE_SET(&body, bytes_received, 2 * sent);
	begin(f, &e, 58);
	e.ev.udp_flow = &body;
	sample_put(&f->s, &e);
}

static void put_dns(struct fixture *f, const char *name, const char *answer)
{
	Varve__V1__Dns body = VARVE__V1__DNS__INIT;
	Varve__V1__DnsMessage message = VARVE__V1__DNS_MESSAGE__INIT, *messages[] = {&message};
	Varve__V1__DnsQuestion question = VARVE__V1__DNS_QUESTION__INIT, *questions[] = {&question};
	Varve__V1__DnsRecord record = VARVE__V1__DNS_RECORD__INIT, *records[] = {&record};
	struct sample_event e;

	question.name = record.name = (char *)name;
	question.type = record.type = (char *)"A";
	record.data = (char *)answer;
	message.questions = questions;
	message.n_questions = 1;
	message.answers = records;
	message.n_answers = !!answer;
	if (answer)
		SAMPLE_SET(&message, response, 1);
	body.messages = messages;
	body.n_messages = 1;
	begin(f, &e, 59);
	e.ev.dns = &body;
	sample_put(&f->s, &e);
}

static void put_hash(struct fixture *f, const char *path, bool upper)
{
	Varve__V1__FileHash body = VARVE__V1__FILE_HASH__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	file.path = (char *)path;
	if (upper)
		SAMPLE_SET(&file, overlay_upper, 1);
	body.file = &file;
	body.sha256 = (char *)HASH;
	body.event_kind = (char *)"EXEC";
	sample_begin(&f->s, &e, &f->c, 69);
	e.ev.file_hash = &body;
	sample_put(&f->s, &e);
}

static void test_story(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	show(f, &view_summary);
	assert_shows(f, "Container app\n");
	assert_shows(
		f,
		"From 2026-11-20T20:00:01.000000Z to 2026-11-20T20:00:14.000000Z; times are UTC");
	assert_shows(f, "Processes: 2; 0 ran already, 2 began, 0 ended well, 1 with an error, 1 by "
			"a signal\n");
	assert_shows(f, "FORK 2 EXEC 2 EXIT 2 ");
	assert_shows(f, "1 of them are of the runtime's set-up, and not in these lists.\n");
	/* What is not of the image comes first. */
	assert_shows(
		f, "\nExecutables run: 2, 2 times\n"
		   "  20:00:08.000000                          1  /tmp/x [upper layer]  [4202 x]\n"
		   "  20:00:03.000000                          1  /bin/sh  [4201 sh]\n\n");
	assert_shows(
		f, "\nSecrets read: 1, 1 times\n"
		   "  20:00:05.000000                          1  /run/secrets/token  [4201 sh]\n");
	assert_shows(f, "\nFiles and directories created: 1, 1 times\n"
			"  20:00:06.000000                          1  /tmp/x  [4201 sh]\n");
	/* Twice recorded, once connected. */
	assert_shows(
		f, "\nDestinations: 1, 1 times\n"
		   "  20:00:09.000000  20:00:10.000000         1  tcp 192.0.2.7:4444  [4202 sh]\n");
	assert_shows(f, "sh ended by signal 9 (SIGKILL)");
	assert_shows(f, "Opened to read, but for secrets: 1 times\n");
	assert_shows(f, "Listeners: none\n");
	assert_shows(f, "Names looked up: none\n");
}

static void test_bytes_and_names(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	put_dns(f, "eViL.example", NULL);
	put_dns(f, "evil.example", "192.0.2.7");
	put_dns(f, "evil.example", "192.0.2.7");
	put_dns(f, "evil.example", "192.0.2.8");
	sample_connect(&f->s, &f->c, 4201, "connected", false);
	sample_connect(&f->s, &f->c, 4202, "failed", false);
	put_close(f, "client", 1000, 7);
	put_close(f, "client", 200, 70);
	put_close(f, "server", 5, 6);
	put_close(f, "server", 7, 8);
	put_flow(f, NULL, 40);
	put_flow(f, "idle", 100);
	show(f, &view_summary);
	assert_shows(
		f, "  2  tcp 192.0.2.7:4444  1200 bytes sent, 77 received  [4201 sh and others]\n");
	assert_shows(f, "  evil.example, ECONNREFUSED\n");
	assert_shows(f, "  1  udp [2001:db8::5]:53  100 bytes sent, 200 received  [4201 sh]\n");
	assert_shows(f, "  tcp 198.51.100.1 at 192.0.2.7:4444  12 bytes sent, 14 received");
	assert_shows(f, "Names looked up: 1, 1 times\n");
	assert_shows(f, "  192.0.2.7, 192.0.2.8\n");
	assert_shows(f, "connect tcp to 192.0.2.7:4444 failed (ECONNREFUSED)");
	assert_true(strstr(f->text, "192.0.2.7:4444  1200") < strstr(f->text, "udp [2001:db8::5]"));
}

static void test_hashes(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_exec(&f->s, &f->c, 4201, 3990, "/tmp/x", "x", true);
	sample_exec(&f->s, &f->c, 4202, 3990, "/bin/sh", "sh", false);
	put_hash(f, "/tmp/x", true);
	put_hash(f, "/lib/modules/m.ko", false);
	show(f, &view_summary);
	assert_shows(f, "/tmp/x [upper layer]  [4201 x]\n");
	assert_shows(f, "  sha256 " HASH "\n");
	assert_int_equal(count_of(f->text, HASH), 1);
}

static void test_sessions(void **state)
{
	struct fixture *f = *state;
	Varve__V1__ExecSession body = VARVE__V1__EXEC_SESSION__INIT;
	Varve__V1__OtherProcess by = VARVE__V1__OTHER_PROCESS__INIT;
	Varve__V1__Entry entry = VARVE__V1__ENTRY__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	char *args[] = {(char *)"bash", (char *)"-i"};
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	SAMPLE_SET(&by, pid, 99);
	by.name = (char *)"runc";
	body.by = &by;
	body.by_cmd_line = (char *)"runc exec --tty web";
	body.how = (char *)"moved";
	begin(f, &e, 67);
	e.ev.exec_session = &body;
	sample_put(&f->s, &e);
	exec.args = args;
	exec.n_args = 2;
	begin(f, &e, 17);
	e.ev.exec = &exec;
	entry.how = (char *)"session";
	entry.process_uid = e.process.process_uid;
	e.process.entry = &entry;
	sample_put(&f->s, &e);
	show(f, &view_summary);
	assert_shows(f, "How it was entered: 1, 1 times\n");
	assert_shows(f, "session: 4201 sh, moved by 99 runc  [4201 sh]\n");
	assert_shows(f, "from runc exec --tty web, ran bash -i\n");
}

static void test_privileges_and_failures(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Credentials cred = VARVE__V1__CREDENTIALS__INIT;
	Varve__V1__CredentialSet after = VARVE__V1__CREDENTIAL_SET__INIT;
	Varve__V1__Module module = VARVE__V1__MODULE__INIT;
	Varve__V1__Unlink gone = VARVE__V1__UNLINK__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	cred.call = (char *)"setuid";
	cred.after = &after;
	SAMPLE_SET(&after, cap_effective, 0x1ff);
	begin(f, &e, 36);
	e.ev.credentials = &cred;
	sample_put(&f->s, &e);
	module.operation = (char *)"finit_module";
	module.name = (char *)"rootkit";
	begin(f, &e, 62);
	e.ev.module = &module;
	sample_put(&f->s, &e);
	SAMPLE_SET(&module, call_errno, EPERM);
	begin(f, &e, 62);
	e.ev.module = &module;
	sample_put(&f->s, &e);
	SAMPLE_SET(&gone, call_errno, ENOENT);
	begin(f, &e, 23);
	e.ev.unlink = &gone;
	sample_put(&f->s, &e);
	show(f, &view_summary);
	assert_shows(f, "the kernel: 2, 2 times\n");
	assert_shows(f, "credentials setuid: now user 0 effective 0, group 0 effective 0, "
			"capabilities 00000000000001ff");
	assert_shows(f, "module finit_module rootkit  [");
	assert_shows(f, "Failed, and worth a look: 1, 1 times\n");
	assert_shows(f, "module finit_module rootkit failed: EPERM");
	assert_shows(f, "Files and directories deleted: none\n");
	assert_shows(f, "(ENOENT, EEXIST, EAGAIN ...): 1 times\n");
}

static void test_written_bytes(void **state)
{
	struct fixture *f = *state;
	Varve__V1__CloseWrite body = VARVE__V1__CLOSE_WRITE__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	sample_open_file(&f->s, &f->c, 4201, "/var/log/a", SAMPLE_WRITE);
	file.path = (char *)"/var/log/a";
	SAMPLE_SET(&file, unlinked, 1);
	body.file = &file;
	SAMPLE_SET(&body, bytes_written, 4096);
	begin(f, &e, 43);
	e.ev.close_write = &body;
	sample_put(&f->s, &e);
	show(f, &view_summary);
	assert_shows(f, "Files written: 1, 1 times\n");
	assert_shows(f, "  1  /var/log/a  4096 bytes written  [4201 sh]\n");
}

static void test_only_the_most_is_shown(void **state)
{
	struct fixture *f = *state;
	char path[32];

	sample_run_start(&f->s, NULL, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/tmp/%d.", i);
		for (int k = 0; k <= i; k++)
			sample_open_file(&f->s, &f->c, 4201, path, SAMPLE_WRITE);
	}
	show(f, &view_summary);
	assert_shows(f, "Files written: 20, 210 times\n");
	assert_shows(f, "  ... and 5 more, 15 times\n");
	assert_null(strstr(f->text, "/tmp/4."));
}

static void test_containers_are_told_apart(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_life(&f->s, &f->other);
	show(f, &view_summary);
	assert_shows(f, "  app: /run/secrets/token  [");
	assert_shows(f, "  side: /run/secrets/token  [");
}

static void test_times_of_several_days(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_open_file(&f->s, &f->c, 4201, "/a", SAMPLE_WRITE);
	f->s.now_ns += 86400 * SAMPLE_SEC;
	sample_open_file(&f->s, &f->c, 4201, "/a", SAMPLE_WRITE);
	show(f, &view_summary);
	assert_shows(f,
		     "  2026-11-20T20:00:01.000000Z  2026-11-21T20:00:02.000000Z         2  /a  [");
}

/* A body of each kind with nothing in it: every field is absent. */
static void test_empty_bodies(void **state)
{
	static const struct view_type *const views[] = {VIEWS(VIEW_ADDRESS)};
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	for (unsigned int kind = 16; event_kind_name(kind); kind++) {
		struct sample_event e;
		struct sample_item *item;

		begin(f, &e, kind);
		e.ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
		sample_put(&f->s, &e);
		item = &f->s.items[f->s.cnt - 1];
		item->payload = realloc(item->payload, item->len + 3);
		assert_non_null(item->payload);
		item->payload[item->len++] = (uint8_t)((kind << 3 | 2) & 0x7f) | 0x80;
		item->payload[item->len++] = (uint8_t)((kind << 3 | 2) >> 7);
		item->payload[item->len++] = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		show(f, views[i]);
		assert_true(f->len > 0);
		if (views[i] == &view_summary)
			assert_shows(f, " OPEN 1 ");
	}
}

/* Evidence that someone has tampered with, of the kinds that these views look into. */
static void test_mutated_records(void **state)
{
	static const struct view_type *const views[] = {&view_summary, &view_dot, &view_tree};
	struct fixture *f = *state;
	unsigned int seed = 4711;

	sample_run_start(&f->s, NULL, 0);
	put_dns(f, "evil.example", NULL);
	put_dns(f, "evil.example", "192.0.2.7");
	put_close(f, "client", 1000, 7);
	put_close(f, "server", 5, 6);
	put_flow(f, NULL, 40);
	put_flow(f, "idle", 100);
	put_hash(f, "/tmp/x", true);
	sample_life(&f->s, &f->c);
	for (int round = 0; round < 300; round++) {
		struct sample_item *item = &f->s.items[rand_r(&seed) % (f->s.cnt - 1)];

		item->payload[rand_r(&seed) % item->len] ^= 1 << rand_r(&seed) % 8;
		show(f, views[round % ARRAY_SIZE(views)]);
		assert_null(strchr(f->text, '\033'));
		assert_int_equal(strlen(f->text), f->len);
	}
}

static void test_tally_is_bounded(void **state)
{
	struct tally t;
	struct tally_entry *e;
	char key[32], notes[TALLY_NOTES * 8 + 64] = "";

	(void)state;
	tally_init(&t, 100);
	for (int i = 0; i < 120; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(!tally_add(&t, key, NULL, i, 2, NULL), i >= 100);
	}
	e = tally_add(&t, "7", "another text", 500, 3, NULL);
	assert_string_equal(e->text, "7");
	assert_int_equal(e->cnt, 5);
	assert_int_equal(e->first_ns, 7);
	assert_int_equal(e->last_ns, 500);
	assert_int_equal(t.cnt, 100);
	assert_int_equal(t.total, 243);
	assert_int_equal(t.left_out, 40);
	for (int i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "n%d", i % 20);
		tally_note(&t, e, key);
		if (i < TALLY_NOTES)
			sprintf(notes + strlen(notes), "%s%s", i ? ", " : "", key);
	}
	strcat(notes, ", ...");
	assert_string_equal(e->notes, notes);
	const struct tally_entry **v = tally_sorted(&t);

	assert_ptr_equal(v[0], e);
	assert_string_equal(v[1]->text, "0");
	free(v);
	tally_fini(&t);
}

static void test_tally_bounds_text(void **state)
{
	struct tally t;
	_cleanup_free_ char *text = malloc(TALLY_BYTES);

	(void)state;
	memset(text, 'x', TALLY_BYTES - 1);
	text[TALLY_BYTES - 1] = 0;
	tally_init(&t, 100);
	assert_non_null(tally_add(&t, "a", text, 1, 1, NULL));
	assert_null(tally_add(&t, "b", text, 1, 1, NULL));
	tally_note(&t, tally_find(&t, "a"), text);
	assert_string_equal(tally_find(&t, "a")->notes, "...");
	tally_fini(&t);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_story),
		T(test_bytes_and_names),
		T(test_hashes),
		T(test_sessions),
		T(test_privileges_and_failures),
		T(test_written_bytes),
		T(test_only_the_most_is_shown),
		T(test_containers_are_told_apart),
		T(test_times_of_several_days),
		T(test_empty_bodies),
		T(test_mutated_records),
		T(test_tally_is_bounded),
		T(test_tally_bounds_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
