/* SPDX-License-Identifier: Apache-2.0 */
/* FIPS 180-2's example, in one piece and in many, and what cannot be read. */
#include "evidence/digest.h"
#include "evidence/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static ssize_t one_by_one(void *ctx, void *buf, size_t size)
{
	const char **at = ctx;

	(void)size;
	if (!**at)
		return 0;
	*(char *)buf = *(*at)++;
	return 1;
}

static ssize_t breaks(void *ctx, void *buf, size_t size)
{
	(void)ctx, (void)buf, (void)size;
	return -EIO;
}

static void test_digest(void **state)
{
	char hex[DIGEST_HEX_SIZE] = "untouched", path[] = "/tmp/varve-digest-XXXXXX";
	const char *text = "abc";
	uint64_t size = 7;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(digest_stream(breaks, NULL, hex, &size), -EIO);
	assert_int_equal(digest_file("/tmp/varve-digest-none", hex, &size), -ENOENT);
	assert_string_equal(hex, "untouched");
	assert_int_equal(size, 7);
	assert_int_equal(digest_stream(one_by_one, &text, hex, &size), 0);
	assert_string_equal(hex, ABC);
	assert_int_equal(size, 3);
	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	memset(hex, 0, sizeof(hex));
	assert_int_equal(digest_file(path, hex, NULL), 0);
	assert_string_equal(hex, ABC);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
