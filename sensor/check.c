/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/check.h"

#include "evidence/base.h"
#include "evidence/text.h"
#include "sensor/conf.h"
#include "sensor/privileges.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

static const char *const words[] = {
	[CHECK_OK] = "ok", [CHECK_LIMITED] = "limited", [CHECK_MISSING] = "missing"};

void check_say(struct check *c, const char *name, enum check_state state, const char *todo,
	       const char *fmt, ...)
{
	struct check_line *line = &c->lines[c->cnt++];
	va_list args;

	assert(c->cnt <= CHECK_LINES_MAX);
	line->name = name;
	line->state = state;
	line->todo = state == CHECK_OK ? NULL : todo;
	va_start(args, fmt);
	vsnprintf(line->text, sizeof(line->text), fmt, args);
	va_end(args);
}

static size_t count(const struct check *c, enum check_state state)
{
	size_t cnt = 0;

	for (size_t i = 0; i < c->cnt; i++)
		cnt += c->lines[i].state == state;
	return cnt;
}

static int print_table(const struct check *c, FILE *out)
{
	size_t limited = count(c, CHECK_LIMITED), missing = count(c, CHECK_MISSING);

	for (size_t i = 0; i < c->cnt; i++) {
		const struct check_line *line = &c->lines[i];

		fprintf(out, "%-20s %-8s ", line->name, words[line->state]);
		text_print_escaped(out, line->text, strlen(line->text));
		if (line->todo)
			fprintf(out, "\n%-20s %-8s -> %s", "", "", line->todo);
		fputc('\n', out);
	}
	fprintf(out, "\n%zu ok, %zu limited, %zu missing%s\n", count(c, CHECK_OK), limited, missing,
		missing	  ? ": the sensor does not start, or not as it is configured"
		: limited ? ": the sensor runs, and does not see or know all"
			  : "; --probe says which events this kernel shows");
	return ferror(out) ? -EIO : 0;
}

static json_t *line_to_json(const struct check_line *line)
{
	/* Where something is mounted may be any bytes. */
	json_t *text = json_string(line->text);

	return json_pack("{s:s, s:s, s:o, s:s?}", "name", line->name, "state", words[line->state],
			 "text", text ? text : json_null(), "todo", line->todo);
}

static int print_json(const struct check *c, FILE *out)
{
	json_t *list = json_array(), *all;
	int err = -ENOMEM;

	for (size_t i = 0; i < c->cnt; i++)
		json_array_append_new(list, line_to_json(&c->lines[i]));
	all = json_pack("{s:s, s:i, s:i, s:i, s:o}", "sensor_version", VARVE_VERSION, "ok",
			(int)count(c, CHECK_OK), "limited", (int)count(c, CHECK_LIMITED), "missing",
			(int)count(c, CHECK_MISSING), "requirements", list);
	if (all)
		err = json_dumpf(all, out, JSON_INDENT(2)) ? -EIO : 0;
	fputc('\n', out);
	json_decref(all);
	return err;
}

int check_print(const struct check *c, bool as_json, FILE *out)
{
	return as_json ? print_json(c, out) : print_table(c, out);
}

int check_all(const struct conf *conf)
{
	struct check c = {.conf = conf};
	int err;

	check_kernel(&c);
	check_capabilities(&c, privileges_effective());
	check_mounts(&c);
	check_log(&c);
	check_runtimes(&c);
	check_kafka(&c);
	check_kube(&c);
	err = check_print(&c, conf->json, stdout);
	return err ? err : count(&c, CHECK_MISSING) ? CHECK_EXIT_MISSING : 0;
}
