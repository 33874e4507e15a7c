/* SPDX-License-Identifier: Apache-2.0 */
/* Both ways of computing it, against RFC 3720 B.4, and against each other. */
#include "evidence/crc32c.c"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct {
	uint32_t crc;
	uint8_t data[48];
	size_t len;
} vectors[] = {
	{0x8a9136aa, {0}, 32},
	{0x62a8ab43,
	 {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	 32},
	{0x46dd794e,
	 {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
	  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
	 32},
	{0x113fdb5c,
	 {31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
	  15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  3,  2,  1,  0},
	 32},
	/* An iSCSI SCSI Read (10) command PDU. */
	{0xd9963a56,
	 {0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
	  0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
	 48},
	{0xe3069283, "123456789", 9}, /* the CRC catalogues' check value */
	{0, {0}, 0},
};

static void test_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(crc32c(0, vectors[i].data, vectors[i].len), vectors[i].crc);
}

static void test_known_answers_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(~update_table(~0u, vectors[i].data, vectors[i].len),
				 vectors[i].crc);
}

static void test_both_agree_at_any_length_and_alignment(void **state)
{
	static uint8_t data[300];

	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rand();
	for (size_t start = 0; start < 16; start++)
		for (size_t len = 0; len < 280; len++)
			assert_int_equal(crc32c(0, data + start, len),
					 ~update_table(~0u, data + start, len));
}

static void test_goes_on(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= 48; cut++)
		assert_int_equal(
			crc32c(crc32c(0, vectors[4].data, cut), vectors[4].data + cut, 48 - cut),
			vectors[4].crc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_known_answers_table),
		cmocka_unit_test(test_both_agree_at_any_length_and_alignment),
		cmocka_unit_test(test_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
