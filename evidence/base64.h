/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4, with padding) as signed notes have it: one text for some bytes, and
 * no other. */
#ifndef VARVE_BASE64_H
#define VARVE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4) /* characters, without a NUL */

/* ret_text has room for BASE64_LEN(len) + 1. */
void base64_encode(const void *data, size_t len, char *ret_text);
/* ret_data has room for len / 4 * 3. False: the text is not what base64_encode() makes of any
 * bytes. */
bool base64_decode(const char *text, size_t len, uint8_t *ret_data, size_t *ret_len);
/* The same of a text that must be `size` bytes. */
bool base64_decode_exactly(const char *text, size_t len, void *ret_data, size_t size);

#endif
