/* SPDX-License-Identifier: Apache-2.0 */
/* Confluent's wire format: see confluent.h. */
#include "evidence/confluent.h"

#include <string.h>

#define PATH_AT 5 /* behind the zero byte and the schema's id */

void confluent_put(uint32_t schema_id, uint8_t ret_prefix[CONFLUENT_LEN])
{
	ret_prefix[0] = 0;
	for (int i = 0; i < 4; i++)
		ret_prefix[1 + i] = schema_id >> (24 - 8 * i);
	ret_prefix[PATH_AT] = 0;
}

size_t confluent_len(const void *value, size_t len)
{
	/* Not every producer knows the short form. 2 is 1 in zig-zag. */
	static const uint8_t long_form[] = {2, 0};
	const uint8_t *p = value;

	if (len <= PATH_AT || p[0])
		return 0;
	if (!p[PATH_AT])
		return CONFLUENT_LEN;
	if (len >= PATH_AT + sizeof(long_form) &&
	    !memcmp(p + PATH_AT, long_form, sizeof(long_form)))
		return PATH_AT + sizeof(long_form);
	return 0;
}
