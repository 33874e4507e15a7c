/* SPDX-License-Identifier: Apache-2.0 */
/* Levelled messages on stderr, one line each, as text or JSON; control characters in them are
 * escaped. */
#ifndef VARVE_DIAG_H
#define VARVE_DIAG_H

enum diag_level { DIAG_ERROR, DIAG_WARN, DIAG_INFO, DIAG_DEBUG };
enum diag_format { DIAG_TEXT, DIAG_JSON };

/* Sets the prefix of each line (program name, not copied) and the highest level shown. */
void diag_init(const char *program, enum diag_level level);
/* JSON: each line is an object of time (RFC 3339, UTC), level, program and message. */
void diag_set_format(enum diag_format format);

void diag(enum diag_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Logs the message (": strerror(-err)" is added if err is negative) and returns err. */
int diag_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(err, ...) diag_err(err, __VA_ARGS__)
#define log_warn(...)	  diag(DIAG_WARN, __VA_ARGS__)
#define log_info(...)	  diag(DIAG_INFO, __VA_ARGS__)
#define log_debug(...)	  diag(DIAG_DEBUG, __VA_ARGS__)

#endif
