/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options: what there is, and values from and to text. Used by the conf_*.c files
 * only. */
#ifndef VARVE_CONF_OPTION_H
#define VARVE_CONF_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

enum conf_type { CONF_TEXT, CONF_CHOICE, CONF_COUNT, CONF_SIZE, CONF_RING, CONF_DURATION };

struct conf_option {
	const char *name;	/* "log-dir" */
	const char *value_name; /* "DIR", for help */
	enum conf_type type;
	size_t offset; /* of the member of struct conf: char *, uint64_t, or int for a choice */
	const char *initial;		 /* default; NULL: found at start (node-name) */
	uint64_t min, max;		 /* of numbers */
	bool (*valid)(const char *text); /* of text; NULL: any without control characters */
	const char *rule;		 /* what valid asks for */
	/* The same of text whose faults are of many sorts: 0, or -EINVAL with what is wanted. */
	int (*check)(const char *text, char *ret_rule, size_t rule_size);
	const char *const *choices; /* in the order of the enum, NULL at the end */
	const char *help;
	bool reload; /* SIGHUP sets it anew; the others are built into what runs */
};

extern const struct conf_option conf_options[];
extern const size_t conf_option_cnt;

/* Keeps in *ret_nearest the candidate that is nearest to name (Levenshtein), if it is nearer than
 * *best, which begins as conf_near_enough(). */
size_t conf_near_enough(const char *name);
void conf_nearer(const char *name, const char *candidate, size_t *best, const char **ret_nearest);
/* Index of the option; -ENOENT. */
int conf_option_find(const char *name, size_t len);
/* The name nearest to this one, of options and of the words only the command line has; NULL if none
 * is near. */
const char *conf_option_nearest(const char *name, bool command_line);
/* 0; -ENOMEM; -EINVAL with what is wanted ("a size from 64K to 1G") in ret_rule. */
int conf_option_set(struct conf *conf, const struct conf_option *option, const char *text,
		    char *ret_rule, size_t rule_size);
/* The value as text that conf_option_set() takes. */
void conf_option_format(const struct conf *conf, const struct conf_option *option, char *ret_text,
			size_t size);

/* True if a librdkafka property is one that must not be shown. */
bool conf_is_secret(const char *property);

/* --help and --print-config. origin(i): where option or, from conf_option_cnt on, property i came
 * from. */
void conf_show_help(void);
void conf_show_values(const struct conf *conf, const char *(*origin)(size_t i, void *ctx),
		      void *ctx);
/* --sample-config: a file with each option explained. Those that some source has are set in it, the
 * others are comments with the default. */
void conf_show_sample(const struct conf *conf, bool (*is_set)(size_t i, void *ctx), void *ctx);

#endif
