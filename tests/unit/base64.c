/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4648's test vectors, and that no second text is taken. */
#include "evidence/base64.h"
#include "evidence/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_vectors(void **state)
{
	static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	uint8_t data[16];
	char text[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		base64_encode(vectors[i][0], strlen(vectors[i][0]), text);
		assert_string_equal(text, vectors[i][1]);
		assert_true(base64_decode(text, strlen(text), data, &len));
		assert_int_equal(len, strlen(vectors[i][0]));
		assert_memory_equal(data, vectors[i][0], len);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", " Zg=", "Zg==Zg==", "Zm9v\n", "Zm9v\nAAA", "Zm-v", "Zm_v", "\xff\xff\xff\xff", "Zg= "};
	uint8_t data[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (base64_decode(bad[i], strlen(bad[i]), data, &len))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(base64_decode_exactly("Zm8=", 4, data, 2));
	assert_false(base64_decode_exactly("Zm8=", 4, data, 3));
	assert_false(base64_decode_exactly("Zm8=", 4, data, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
