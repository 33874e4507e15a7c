/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before an event in a Kafka record: never longer than the value, and found where we
 * put it. */
#include "evidence/confluent.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + !size); /* of its own length, so that a read beyond is seen */
	uint8_t *framed = malloc(CONFLUENT_LEN + size);
	size_t len;

	memcpy(copy, data, size);
	len = confluent_len(copy, size);
	if (len > size || (len && copy[0]))
		abort();
	confluent_put((uint32_t)size, framed);
	memcpy(framed + CONFLUENT_LEN, data, size);
	if (confluent_len(framed, CONFLUENT_LEN + size) != CONFLUENT_LEN)
		abort();
	free(framed);
	free(copy);
	return 0;
}
