/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the program as it is called, over sample evidence in a log directory. */
#ifndef VARVE_TESTS_CLI_H
#define VARVE_TESTS_CLI_H

#include "tests/unit/responder_sample.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include <sys/mman.h>

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
	int argc = 1, fd = memfd_create("stderr", 0), old = dup(2);

	for (char *p = strtok(copy, "|"); p && argc < 23; p = strtok(NULL, "|"))
		argv[argc++] = strcmp(p, "DIR") ? p : f->dir;
	free(f->out);
	FILE *out = open_memstream(&f->out, &f->out_len);

	fflush(stderr);
	dup2(fd, 2);
	int status = commands_run(argc, argv, out);

	fflush(stderr);
	dup2(old, 2);
	ssize_t len = pread(fd, f->err, sizeof(f->err) - 1, 0);

	f->err[len < 0 ? 0 : len] = 0;
	close(fd);
	close(old);
	fclose(out);
	return status;
}

static inline void write_story(struct fixture *f)
{
	sample_story(&f->s, &f->c);
	sample_write_log(&f->s, f->dir, 1 << 20);
}

#define assert_in(text, words)                                          \
	do {                                                            \
		if (!strstr(text, words))                               \
			fail_msg("\"%s\" is not in:\n%s", words, text); \
	} while (0)

static inline size_t lines(const char *text)
{
	size_t cnt = 0;

	for (; *text; text++)
		cnt += *text == '\n';
	return cnt;
}

#endif
