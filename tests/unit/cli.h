/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the program as it is called, over sample evidence in a log directory. */
#ifndef VARVE_TESTS_CLI_H
#define VARVE_TESTS_CLI_H

#include "tests/unit/responder_sample.h"
#include "tests/unit/run.h"
#include "evidence/diag.h"

struct fixture {
	struct sample s;
	struct sample_container c, other;
	char dir[64];
	char *out;
	size_t out_len;
	char err[8192];
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->other = (struct sample_container){.id = "demo", .name = NULL};
	strcpy(f->dir, "/tmp/varve-cli-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	sample_fini(&f->s);
	sample_remove_dir(f->dir);
	free(f->out);
	free(f);
	return 0;
}

/* Runs "varve ARGS" ('|' between words, DIR for the log directory); both outputs are kept. */
static inline int varve(struct fixture *f, const char *args)
{
	_cleanup_free_ char *copy = strdup(args);
	char *argv[24] = {(char *)"varve"};
	int argc = 1;

	for (char *p = strtok(copy, "|"); p && argc < 23; p = strtok(NULL, "|"))
		argv[argc++] = strcmp(p, "DIR") ? p : f->dir;
	return run_varve(argc, argv, &f->out, &f->out_len, f->err, sizeof(f->err));
}

static inline void write_story(struct fixture *f)
{
	sample_story(&f->s, &f->c);
	sample_write_log(&f->s, f->dir, 1 << 20);
}

static inline size_t lines(const char *text)
{
	size_t cnt = 0;

	for (; *text; text++)
		cnt += *text == '\n';
	return cnt;
}

#endif
