/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of JSON from outside, copied into bounded arrays. */
#ifndef VARVE_JSON_STRING_H
#define VARVE_JSON_STRING_H

#include <jansson.h>
#include <stddef.h>

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}
#define _cleanup_json_ __attribute__((cleanup(cleanup_json)))

/*
 * Copies a JSON string, cut between characters at the bound. jansson lets only valid UTF-8 pass; a
 * NUL (escaped, legal in JSON and so in an annotation) becomes U+FFFD, as it would end the string
 * for everyone behind us. dst stays as it is if the value is no string. size: of dst, at least 1.
 */
void json_string_copy(const json_t *value, char *dst, size_t size);

/* The same of an object's member; key may be NULL. */
void json_string_copy_key(const json_t *object, const char *key, char *dst, size_t size);
#define JSON_COPY_KEY(object, key, field) json_string_copy_key(object, key, field, sizeof(field))

#endif
