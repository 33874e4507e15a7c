/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and strings of DNS messages in presentation form (RFC 1035, 5.1): printable ASCII only,
 * whatever the bytes. Pure.
 */
#ifndef VARVE_DNS_NAME_H
#define VARVE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_TEXT_MAX 1024 /* 255 bytes, each escaped, with dots and a NUL */

/*
 * The name at msg + *at, without its last dot; the root is ".". *at is moved behind it. NULL, or
 * what is wrong with it: then *at and the text mean nothing.
 */
const char *dns_name_read(const uint8_t *msg, size_t len, size_t *at,
			  char ret_text[DNS_NAME_TEXT_MAX]);

/* Text of bounded length; what does not fit is cut off. */
struct dns_text {
	char *buf;
	size_t size, len;
	bool cut;
};

void dns_text_print(struct dns_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A character-string in quotes. */
void dns_text_quote(struct dns_text *t, const uint8_t *bytes, size_t len);

#endif
