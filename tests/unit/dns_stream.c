/* SPDX-License-Identifier: Apache-2.0 */
/* TCP streams of DNS: split, joined, out of order, repeated, cut, and too many. */
#include "sensor/dns_stream.h"
#include "evidence/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define ISN 0xfffffff0u /* so that sequence numbers wrap */

static struct dns_streams *table;
static struct dns_stream_state state;
static char got[200000]; /* messages, each as "text/length " */

static int setup(void **s)
{
	(void)s;
	return dns_streams_new(8, 300000, &table);
}

static int teardown(void **s)
{
	(void)s;
	dns_streams_free(table);
	return 0;
}

static int collect(const uint8_t *msg, size_t captured, size_t len, void *ctx)
{
	size_t n = strlen(got);

	(void)ctx;
	snprintf(got + n, sizeof(got) - n, "%.*s/%zu ", (int)captured, (const char *)msg, len);
	return 0;
}

static struct dns_segment segment(uint16_t port, uint32_t offset, const void *data, size_t captured,
				  size_t len)
{
	return (struct dns_segment){.key.source.port = port,
				    .key.destination.port = 53,
				    .cookie = 1000 + port,
				    .seq = ISN + offset,
				    .offset = offset,
				    .data = data,
				    .captured = captured,
				    .len = len};
}

/* Gives the segment from memory of its exact length; returns what it completed. */
static const char *take(const struct dns_segment *seg)
{
	_cleanup_free_ uint8_t *copy = malloc(seg->captured + 1);
	struct dns_segment s = *seg;

	memcpy(copy, seg->data, seg->captured);
	s.data = copy + 1;
	memmove(copy + 1, copy, seg->captured);
	got[0] = '\0';
	assert_int_equal(dns_streams_take(table, &s, collect, NULL, &state), 0);
	return got;
}

static const char *give(uint16_t port, uint32_t offset, const void *data, size_t len)
{
	struct dns_segment seg = segment(port, offset, data, len, len);

	return take(&seg);
}

static void expect_state(const char *incomplete, bool has_length, uint32_t length,
			 uint32_t captured)
{
	if (incomplete) {
		assert_non_null(state.incomplete);
		assert_string_equal(state.incomplete, incomplete);
	} else {
		assert_null(state.incomplete);
	}
	assert_int_equal(state.has_length, has_length);
	assert_int_equal(state.length, length);
	assert_int_equal(state.captured, captured);
}

static void test_one_and_several(void **s)
{
	(void)s;
	assert_string_equal(give(1, 0, "\0\3abc", 5), "abc/3 ");
	expect_state(NULL, false, 0, 0);
	assert_string_equal(give(1, 5, "\0\1x\0\0\0\2yz", 9), "x/1 /0 yz/2 ");
	expect_state(NULL, false, 0, 0);
	assert_int_equal(dns_streams_bytes(table), 0);
}

/* In every place, and byte by byte. */
static void test_split(void **s)
{
	static const char both[] = "\0\3abc\0\2de";
	uint16_t port;
	size_t n;

	(void)s;
	for (n = 1; n < 9; n++) {
		port = n;
		give(port, 0, both, n);
		if (n != 5)
			assert_string_equal(state.incomplete, "more_to_come");
		if (n == 3)
			expect_state("more_to_come", true, 3, 3);
		if (n == 6)
			expect_state("more_to_come", false, 0, 1);
		give(port, n, both + n, 9 - n);
		assert_string_equal(got, n < 5 ? "abc/3 de/2 " : "de/2 ");
		expect_state(NULL, false, 0, 0);
	}
	for (n = 0; n < 9; n++) {
		give(100, n, both + n, 1);
		assert_string_equal(got, n == 4 ? "abc/3 " : n == 8 ? "de/2 " : "");
	}
	assert_int_equal(dns_streams_bytes(table), 0);
}

static void test_directions_are_apart(void **s)
{
	struct dns_segment sent = segment(1, 0, "\0\3a", 3, 3), received = sent, other = sent;

	(void)s;
	sent.key.sent = 1;
	other.key.cgroup_id = 7;
	take(&sent);
	take(&received);
	take(&other);
	assert_int_equal(dns_streams_count(table), 3);
	sent = segment(1, 3, "bc", 2, 2);
	sent.key.sent = 1;
	assert_string_equal(take(&sent), "abc/3 ");
}

static void test_out_of_order(void **s)
{
	(void)s;
	assert_string_equal(give(1, 7, "e", 1), "");
	expect_state("gap", false, 0, 1);
	assert_string_equal(give(1, 3, "bc", 2), "");
	expect_state("gap", false, 0, 3);
	assert_string_equal(give(1, 0, "\0\3a", 3), "abc/3 ");
	/* What is left begins where its length is missing. */
	expect_state("gap", false, 0, 1);
	assert_string_equal(give(1, 5, "\0\1", 2), "e/1 ");
	expect_state(NULL, false, 0, 0);
}

static void test_repeated(void **s)
{
	(void)s;
	give(1, 0, "\0\3abc", 5);
	assert_string_equal(give(1, 0, "\0\3abc", 5), "");
	expect_state("repeated", false, 0, 0);
	/* Half of it is new. */
	assert_string_equal(give(1, 3, "XY\0\2de", 6), "de/2 ");
	/* What came first stays. */
	give(1, 11, "XY", 2);
	assert_string_equal(give(1, 9, "\0\3abc", 5), "XYc/3 ");
	give(1, 14, "\0\4a", 3);
	give(1, 14, "\0\4a", 3);
	expect_state("repeated", true, 4, 3);
	assert_string_equal(give(1, 17, "bcd", 3), "abcd/4 ");
}

static void test_capture_cut(void **s)
{
	struct dns_segment seg = segment(1, 0, "\0\6abc", 5, 8);

	(void)s;
	assert_string_equal(take(&seg), "abc/6 ");
	expect_state(NULL, false, 0, 0);
	/* In the middle of a message that goes on. */
	seg = segment(1, 8, "\0\6ab", 4, 6);
	assert_string_equal(take(&seg), "");
	expect_state("more_to_come", true, 6, 4);
	assert_string_equal(give(1, 14, "ef\0\1x", 5), "ab/6 x/1 ");
	/* A length that was not captured: nothing behind it can be told. */
	seg = segment(1, 19, "\0\1x", 3, 9);
	assert_string_equal(take(&seg), "x/1 ");
	expect_state("not_in_step", false, 0, 0);
	assert_string_equal(give(1, 28, "\0\1x", 3), "");
	expect_state("not_in_step", false, 0, 0);
	/* Half of it. */
	seg = segment(2, 0, "\0", 1, 9);
	assert_string_equal(take(&seg), "");
	expect_state("not_in_step", false, 0, 0);
	seg = segment(3, 0, "", 0, 9);
	assert_string_equal(take(&seg), "");
	expect_state("not_in_step", false, 0, 0);
	assert_int_equal(dns_streams_bytes(table), 0);
}

static void test_new_connection(void **s)
{
	struct dns_segment seg;

	(void)s;
	give(1, 0, "\0\3a", 3);
	seg = segment(1, 0, "\0\1x", 3, 3);
	seg.cookie = 77;
	seg.seq = 5000;
	assert_string_equal(take(&seg), "x/1 ");
	expect_state(NULL, false, 0, 0);
	/* The first segment came to the listening socket, the next to the connection's own. */
	seg = segment(1, 0, "\0\3a", 3, 3);
	seg.listener = true;
	seg.cookie = 1;
	assert_string_equal(take(&seg), "");
	assert_string_equal(take(&seg), "");
	expect_state("repeated", true, 3, 3);
	assert_string_equal(give(1, 3, "bc", 2), "abc/3 ");
	/* And again to the listening socket: another connection. */
	seg.seq += 100;
	seg.data = (const uint8_t *)"\0\1y";
	assert_string_equal(take(&seg), "y/1 ");
}

/* One that was there before the sensor, or was evicted. */
static void test_joined_late(void **s)
{
	(void)s;
	assert_string_equal(give(1, 1000, "\0\1x", 3), "");
	expect_state("gap", false, 0, 3);
	assert_string_equal(give(2, 1 << 20, "\0\1x", 3), "");
	expect_state("not_in_step", false, 0, 0);
	give(3, 0xfffffff0, "\0\1x", 3); /* before the beginning */
	expect_state("repeated", false, 0, 0);
}

static void test_largest(void **s)
{
	static uint8_t big[2 + 65535 + 3] = "\xff\xff";
	size_t at, n;

	(void)s;
	memset(big + 2, 'x', 65535);
	memcpy(big + 2 + 65535, "\0\1y", 3);
	for (at = 0; at < sizeof(big); at += n) {
		n = MIN(sizeof(big) - at, (size_t)1460);
		give(1, at, big + at, n);
	}
	assert_int_equal(strlen(got), 65535 + strlen("/65535 y/1 "));
	assert_int_equal(dns_streams_bytes(table), 0);
	give(2, 0, big, sizeof(big));
	assert_int_equal(strlen(got), 65535 + strlen("/65535 y/1 "));
}

static void test_too_many_pieces(void **s)
{
	size_t i;

	(void)s;
	for (i = 0; i < 40; i++)
		give(1, 10 + 2 * i, "x", 1);
	expect_state("not_in_step", false, 0, 0);
	assert_int_equal(dns_streams_bytes(table), 0);
}

static void test_eviction(void **s)
{
	uint16_t port;

	(void)s;
	for (port = 1; port <= 8; port++)
		give(port, 0, "\0\3a", 3);
	give(1, 3, "b", 1); /* now 2 is the oldest */
	assert_int_equal(dns_streams_evicted(table), 0);
	give(9, 0, "\0\1x", 3);
	assert_int_equal(dns_streams_count(table), 8);
	assert_int_equal(dns_streams_evicted(table), 1);
	assert_string_equal(give(1, 4, "c", 1), "abc/3 ");
	assert_string_equal(give(2, 3, "bc", 2), "");
	expect_state("gap", false, 0, 2);
}

static void test_bytes_are_bounded(void **s)
{
	static uint8_t big[60000] = "\xff\xff";
	uint16_t port;

	(void)s;
	for (port = 1; port <= 8; port++) {
		give(port, 0, big, sizeof(big));
		assert_true(dns_streams_bytes(table) <= 300000);
	}
	assert_int_equal(dns_streams_evicted(table), 8 - dns_streams_count(table));
	assert_true(dns_streams_count(table) >= 4);
}

static int refuse(const uint8_t *msg, size_t captured, size_t len, void *ctx)
{
	(void)msg, (void)captured, (void)len, (void)ctx;
	return -ENOMEM;
}

static void test_refused(void **s)
{
	struct dns_segment seg = segment(1, 0, "\0\1x", 3, 3);

	(void)s;
	assert_int_equal(dns_streams_take(table, &seg, refuse, NULL, &state), -ENOMEM);
}

/* Random segments of a known stream, in any order and overlapping: every message, once, in order.
 */
static void test_shuffled(void **s)
{
	static uint8_t stream[400];
	size_t i, len, n, from, round;
	char want[2000], all[2000];
	unsigned int seed;

	(void)s;
	for (round = 1; round < 300; round++) {
		seed = round;
		want[0] = all[0] = '\0';
		for (i = 0; i + 12 < sizeof(stream); i += 2 + len) {
			len = rand_r(&seed) % 10;
			stream[i] = 0;
			stream[i + 1] = len;
			memset(stream + i + 2, 'a' + rand_r(&seed) % 26, len);
			sprintf(want + strlen(want), "%.*s/%zu ", (int)len, stream + i + 2, len);
		}
		len = i;
		for (i = 0; i < 12; i++) {
			from = rand_r(&seed) % len;
			n = 1 + rand_r(&seed) % MIN(len - from, (size_t)60);
			strcat(all, give(round, from, stream + from, n));
		}
		strcat(all, give(round, 0, stream, len));
		assert_string_equal(all, want);
		assert_int_equal(dns_streams_bytes(table), 0);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one_and_several), TEST(test_split),	    TEST(test_directions_are_apart),
		TEST(test_out_of_order),    TEST(test_repeated),    TEST(test_capture_cut),
		TEST(test_new_connection),  TEST(test_joined_late), TEST(test_largest),
		TEST(test_too_many_pieces), TEST(test_eviction),    TEST(test_bytes_are_bounded),
		TEST(test_refused),	    TEST(test_shuffled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
