/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the program in this process, and keeps what it says. */
#ifndef VARVE_TESTS_RUN_H
#define VARVE_TESTS_RUN_H

#include "responder/commands.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The exit status. *out: what an earlier run said, or NULL; it goes. The caller frees what is there then. */
static inline int run_varve(int argc, char **argv, char **out, size_t *out_len, char *err,
			    size_t err_size)
{
	int fd = memfd_create("stderr", 0), old = dup(2);

	free(*out);
	FILE *f = open_memstream(out, out_len);

	fflush(stderr);
	dup2(fd, 2);
	int status = commands_run(argc, argv, f);

	fflush(stderr);
	dup2(old, 2);
	ssize_t len = pread(fd, err, err_size - 1, 0);

	err[len < 0 ? 0 : len] = 0;
	close(fd);
	close(old);
	fclose(f);
	return status;
}

#define assert_in(text, words)                                          \
	do {                                                            \
		if (!strstr(text, words))                               \
			fail_msg("\"%s\" is not in:\n%s", words, text); \
	} while (0)

#endif
