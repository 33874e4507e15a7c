/* SPDX-License-Identifier: Apache-2.0 */
/* The view "dot", and what graphviz makes of it. */
#include "tests/unit/views.h"

/* Draws the graph; the SVG, or a failure. */
static char *draw(const struct fixture *f)
{
	char dot[] = "/tmp/varve-dot-XXXXXX", command[128];
	char *svg = NULL;
	size_t len = 0;

	if (system("command -v dot >/dev/null 2>&1")) {
		print_message("graphviz is not installed\n");
		skip();
	}
	int fd = mkstemp(dot);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->text, f->len), f->len);
	close(fd);
	snprintf(command, sizeof(command), "dot -Tsvg %s 2>&1", dot);
	FILE *pipe = popen(command, "r"), *out = open_memstream(&svg, &len);

	for (int c; (c = fgetc(pipe)) != EOF;)
		fputc(c, out);
	fclose(out);
	int status = pclose(pipe);

	unlink(dot);
	if (status || !strstr(svg, "<svg") || strstr(svg, "Warning") || strstr(svg, "Error"))
		fail_msg("dot: status %d: %.2000s\n%s", status, svg, f->text);
	return svg;
}

static void test_story(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	show(f, &view_dot);
	assert_shows(f, "label=\"COMPLETE: 1 container, 14 records, nothing is missing\\l\"");
	assert_shows(f,
		     "[shape=box, label=\"3990 containerd-shim\", tooltip=\"?\", style=dashed];\n");
	/* The file that was made and then run is one. */
	assert_shows(f, "label=\"4202 /tmp/x --go\", tooltip=\"/tmp/x [upper layer], exit signal 9 "
			"(SIGKILL)\", color=red, penwidth=2];\n");
	assert_int_equal(count_of(f->text, "[shape=note, label=\"/tmp/x\""), 1);
	assert_shows(f, "[label=\"wrote\", color=darkgreen, tooltip=\"/tmp/x\"];\n");
	assert_shows(
		f,
		"[label=\"exec\", color=black, tooltip=\"/tmp/x [upper layer]: /tmp/x --go, euid "
		"0\"];\n");
	assert_shows(f, "[label=\"read secret\", color=red, tooltip=\"/run/secrets/token\"];\n");
	assert_shows(f, "[shape=ellipse, label=\"tcp 192.0.2.7:4444\"");
	assert_shows(
		f,
		"[label=\"connected\", color=blue, tooltip=\"tcp to 192.0.2.7:4444 connected\"]");
	assert_int_equal(count_of(f->text, "label=\"began\""), 2);
	assert_null(strstr(f->text, "left_out"));
	_cleanup_free_ char *svg = draw(f);

	assert_int_equal(count_of(svg, "class=\"node\""), 3 + 4);
	assert_int_equal(count_of(svg, "class=\"edge\""), 2 + 5);
}

/* What would be graphviz's own if it were not escaped. */
static void test_hostile_names(void **state)
{
	static const char *const names[] = {
		"\"];evil [label=\"x",
		"\\",
		"\\\"",
		"\\N\\G\\l",
		"&quot;&lt;svg onload=1&gt;",
		"<b>\"</b>",
		"a\nb",
		"\033]0;x\a",
		"\xff\xfe",
		"-->*/#//\\",
	};
	struct fixture *f = *state;
	char path[200];

	sample_run_start(&f->s, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sample_exec(&f->s, &f->c, 100 + i, 99, names[i], names[i], true);
		sample_open_file(&f->s, &f->c, 100 + i, names[i], SAMPLE_WRITE);
	}
	/* Each place where a long name of characters of three bytes can be cut. */
	for (int i = 0; i < 4; i++) {
		memset(path, 'a', 95 + i);
		path[95 + i] = 0;
		for (int k = 0; k < 20; k++)
			strcat(path, "\xe3\x81\x82");
		sample_open_file(&f->s, &f->c, 100, path, SAMPLE_WRITE);
	}
	show(f, &view_dot);
	_cleanup_free_ char *svg = draw(f);

	assert_null(strstr(svg, "<title>evil"));
	assert_null(strstr(svg, "<svg onload"));
	assert_null(strstr(svg, "<b>"));
	assert_int_equal(count_of(svg, "class=\"node\""), count_of(f->text, "[shape="));
}

static void test_bounds(void **state)
{
	struct fixture *f = *state;
	char path[64];

	sample_run_start(&f->s, NULL, 0);
	for (unsigned int i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "job|%u", i);
		sample_fork(&f->s, &f->c, 1000 + i, 999, "sh");
		sample_exec(&f->s, &f->c, 1000 + i, 999, "/bin/job", path, false);
		for (int k = 0; k < 3; k++) {
			snprintf(path, sizeof(path), "/tmp/%u.%d.", i, k);
			sample_open_file(&f->s, &f->c, 1000 + i, path, SAMPLE_WRITE);
		}
	}
	/* What is worth most comes last here, and is in the graph all the same. */
	sample_exec(&f->s, &f->c, 5000, 999, "/tmp/x", "/tmp/x", true);
	show(f, &view_dot);
	assert_int_equal(count_of(f->text, "[shape=box"), 300);
	assert_true(count_of(f->text, "[shape=note") == 500);
	assert_shows(f, "label=\"5000 /tmp/x\"");
	assert_shows(f, "Not in this graph: 102 processes, ");
	assert_true(count_of(f->text, " -> ") <= 3000);
}

/* Under its new name it is the file that is removed then. */
static void test_renamed(void **state)
{
	struct fixture *f = *state;
	Varve__V1__Rename rename = VARVE__V1__RENAME__INIT;
	Varve__V1__Unlink gone = VARVE__V1__UNLINK__INIT;
	Varve__V1__File old_file = VARVE__V1__FILE__INIT, new_file = VARVE__V1__FILE__INIT;
	struct sample_event e;

	sample_run_start(&f->s, NULL, 0);
	old_file.path = (char *)"/tmp/loot";
	new_file.path = (char *)"/tmp/.x";
	rename.old_file = &old_file;
	rename.new_file = gone.file = &new_file;
	sample_begin(&f->s, &e, &f->c, 22);
	e.ev.rename = &rename;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
	sample_begin(&f->s, &e, &f->c, 23);
	e.ev.unlink = &gone;
	sample_process(&e, 4201, 3990, "sh");
	sample_put(&f->s, &e);
	show(f, &view_dot);
	assert_int_equal(count_of(f->text, "[shape=note"), 1);
	assert_shows(f, "[label=\"renamed to this\", color=darkgreen, tooltip=\"/tmp/loot -> "
			"/tmp/.x\"];\n");
	assert_shows(f, "[label=\"deleted\", color=brown, tooltip=\"/tmp/.x\"];\n");
}

static void test_containers(void **state)
{
	struct fixture *f = *state;

	f->other.name = "\"};x";
	sample_run_start(&f->s, NULL, 0);
	sample_life(&f->s, &f->c);
	sample_life(&f->s, &f->other);
	show(f, &view_dot);
	_cleanup_free_ char *svg = draw(f);

	assert_int_equal(count_of(svg, "class=\"cluster\""), 2);
	assert_shows(f, "label=\"app\";\n");
	assert_shows(f, "label=\"\\\"};x\";\n");
}

static void test_folded(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	for (unsigned int i = 0; i < 50; i++) {
		sample_fork(&f->s, &f->c, 1000 + i, 999, "sh");
		sample_exec(&f->s, &f->c, 1000 + i, 999, "/bin/true", "true", false);
	}
	show(f, &view_dot);
	assert_shows(f, "label=\"1000 true  x50\"");
	assert_int_equal(count_of(f->text, "[shape=box"), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_story),	T(test_hostile_names), T(test_bounds),
		T(test_folded), T(test_renamed),       T(test_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
