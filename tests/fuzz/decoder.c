/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz entry: evidence/decoder.c takes what event_decode() takes, and makes the same of it; so does
 * JSON, the first time and when it goes by what was kept.
 */
#include "evidence/base.h"
#include "evidence/decoder.h"
#include "evidence/json.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const Varve__V1__Event *a, const Varve__V1__Event *b)
{
	size_t len = varve__v1__event__get_packed_size(a);
	_cleanup_free_ uint8_t *x = malloc(len + 1), *y = malloc(len + 1);

	if (!x || !y || varve__v1__event__get_packed_size(b) != len ||
	    varve__v1__event__pack(a, x) != len || varve__v1__event__pack(b, y) != len ||
	    memcmp(x, y, len) != 0)
		abort();
}

static char *text_of(const Varve__V1__Event *ev, struct decoder *d)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out || json_print_record(out, &ev->base, d) || fclose(out))
		abort();
	return text;
}

static void check_text(const Varve__V1__Event *expected, const Varve__V1__Event *ev,
		       struct decoder *d)
{
	_cleanup_free_ char *plain = text_of(expected, NULL), *first = text_of(ev, d),
			    *again = text_of(ev, d);

	if (strcmp(plain, first) != 0 || strcmp(plain, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *d;

	if (!d && decoder_new(&d))
		abort();
	Varve__V1__Event *expected = event_decode(data, size);
	const Varve__V1__Event *ev = decoder_event(d, data, size);

	if (!ev != !expected)
		abort();
	if (ev) {
		check_same(ev, expected);
		check_text(expected, ev, d);
	}
	varve__v1__event__free_unpacked(expected, NULL);
	return 0;
}
