/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz entry: decodes the input as an Event and prints it; what is printed must be safe text. */
#include "evidence/base.h"
#include "evidence/event.h"
#include "evidence/json.h"
#include "evidence/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t len)
{
	if (!text_is_utf8(text, len))
		abort();
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Varve__V1__Event *ev = event_decode(data, size);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (!ev)
		return 0;
	out = open_memstream(&text, &len);
	if (!out || json_print(out, &ev->base) || fclose(out))
		abort();
	check_text(text, len);
	varve__v1__event__free_unpacked(ev, NULL);
	return 0;
}
