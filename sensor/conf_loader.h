/* SPDX-License-Identifier: Apache-2.0 */
/* Between the conf_*.c files: what loading one configuration needs, from whichever source. */
#ifndef VARVE_CONF_LOADER_H
#define VARVE_CONF_LOADER_H

#include "sensor/conf.h"
#include "sensor/conf_option.h"

#include <limits.h>

#define CONF_OPTION_LIMIT 64

/* From the weakest to the strongest. */
enum conf_source { CONF_DEFAULT, CONF_FILE, CONF_ENVIRONMENT, CONF_COMMAND };

struct conf_origin {
	enum conf_source source;
	unsigned int line; /* of a file */
};

struct conf_loader {
	struct conf *conf;
	const char *file;   /* NULL: none asked for. Borrowed. */
	bool print, sample; /* --print-config, --sample-config was given */
	/* of each option, then of each kafka property */
	struct conf_origin origins[CONF_OPTION_LIMIT + CONF_KAFKA_LIMIT];
	char text[PATH_MAX + 64];
};

/* How messages name the place a value came from; valid until the next call. */
const char *conf_place(struct conf_loader *l, struct conf_origin o);

/*
 * Sets an option (by index) or whatever has this name, unless a stronger source did. The value is
 * checked in any case. Errors are told.
 */
int conf_set_option(struct conf_loader *l, size_t index, const char *value, struct conf_origin o);
int conf_set(struct conf_loader *l, const char *name, const char *value, struct conf_origin o);
int conf_refuse_unknown(struct conf_loader *l, struct conf_origin o, const char *name);
int conf_no_memory(void);

/* The sources. 1: the command line asked for something that is answered now. */
int conf_read_command(struct conf_loader *l, int argc, char **argv);
int conf_read_environment(struct conf_loader *l);
int conf_read_file(struct conf_loader *l);

#endif
