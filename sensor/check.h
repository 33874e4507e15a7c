/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check: what of all that the sensor needs this node, or the place that it was started in, has
 * not. Nothing is attached, made or changed; whether each hook attaches is for --probe to say.
 */
#ifndef VARVE_CHECK_H
#define VARVE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct conf;

#define CHECK_EXIT_MISSING 3
#define CHECK_LINES_MAX	   64

/* LIMITED: the sensor runs, and something is not seen or not known. MISSING: it does not start, or
 * what the configuration asks for does not work. */
enum check_state { CHECK_OK, CHECK_LIMITED, CHECK_MISSING };

struct check_line {
	const char *name;
	enum check_state state;
	char text[1024];  /* how it is, and what comes of it */
	const char *todo; /* NULL: nothing */
};

struct check {
	const struct conf *conf;
	struct check_line lines[CHECK_LINES_MAX];
	size_t cnt;
};

/* name and todo are not copied; todo is left out of what is OK. */
void check_say(struct check *c, const char *name, enum check_state state, const char *todo,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* By subject; each says its lines. */
void check_kernel(struct check *c);
void check_mounts(struct check *c);
void check_capabilities(struct check *c, uint64_t effective);
void check_log(struct check *c);
void check_runtimes(struct check *c);
void check_kafka(struct check *c);
void check_kube(struct check *c);

/* At the start: -EPERM, told, if a capability is not there without which there is nothing to do. */
int check_can_watch(uint64_t effective);
/* The table, or an object of JSON. */
int check_print(const struct check *c, bool as_json, FILE *out);
/* All of them, on standard output: 0, CHECK_EXIT_MISSING, or a negative errno. */
int check_all(const struct conf *conf);

#endif
