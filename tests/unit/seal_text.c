/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a seal, there and back, and what is refused. */
#include "evidence/seal.c"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define SPAN(s) ((struct note_span){(s), strlen(s)})
#define RUN	"11111111-2222-3333-4444-555555555555"
#define ROOT	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HEAD	"varve/n/" RUN "\n5\n" ROOT "\n"

static void test_there_and_back(void **state)
{
	struct seal in = {.key_name = SPAN("varve/n%20ode"), .run_id = SPAN(RUN), .size = 77, .number = 3, .first = 12,
			  .time_unix_nano = 1, .boot_time_nano = 2, .has_previous = true, .count_cnt = 1, .counts = {{"file", 5, 6, 7}},
			  .has_next = true, .final = true};
	struct seal out;
	char buf[NOTE_MAX];
	size_t len;

	(void)state;
	in.root.bytes[0] = 9;
	in.previous.bytes[31] = 8;
	assert_int_equal(note_key_init(&in.next, "varve/n%20ode", in.root.bytes), 0);
	assert_int_equal(seal_format(&in, buf, sizeof(buf), &len), 0);
	assert_int_equal(seal_parse((struct note_span){buf, len}, &out), 0);
	assert_true(out.key_name.len == in.key_name.len && out.run_id.len == UUID_LEN);
	assert_int_equal(out.size, 77);
	assert_memory_equal(&out.root, &in.root, sizeof(in.root));
	assert_int_equal(out.number, 3);
	assert_int_equal(out.first, 12);
	assert_true(out.time_unix_nano == 1 && out.boot_time_nano == 2 && out.final);
	assert_memory_equal(&out.previous, &in.previous, sizeof(in.previous));
	assert_int_equal(out.count_cnt, 1);
	assert_string_equal(out.counts[0].event_class, "file");
	assert_true(out.counts[0].recorded == 5 && out.counts[0].lost == 6 && out.counts[0].suppressed == 7);
	assert_true(out.has_next && note_key_equal(&out.next, &in.next));
	for (size_t size = 1; size <= len; size++)
		assert_int_equal(seal_format(&in, buf, size, &(size_t){0}), -EMSGSIZE);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"", HEAD, HEAD "seal 0\nrecords 0 4\n", HEAD "seal 0\nrecords 0 5\ntime 1 2\n", HEAD "seal 0\nrecords 5 4\ntime 1 2\n",
		HEAD "seal 0\nseal 0\nrecords 0 4\ntime 1 2\n", HEAD "seal  0\nrecords 0 4\ntime 1 2\n", HEAD "seal 0 \nrecords 0 4\ntime 1 2\nfinal x\n",
		HEAD "seal 0\nrecords 0 4\ntime 1 2\nfinal\nfinal\n", HEAD "seal 0\nrecords 0 4\ntime 1 2\nprevious AA==\n",
		HEAD "seal 0\nrecords 0 4\ntime 1 2\nnext-key a\n", HEAD "seal 0\nrecords 0 4\ntime 9223372036854775808 2\n",
		HEAD "seal 0\nrecords 0 4\ntime 1 2\ncount file 1 2\n", HEAD "seal 0\nrecords 0 4\ntime 1 2\ncount aaaaaaaaaaaaaaaa 1 2 3\n",
		"varvx/n/" RUN "\n5\n" ROOT "\nseal 0\nrecords 0 4\ntime 1 2\n", "varve//" RUN "\n5\n" ROOT "\nseal 0\nrecords 0 4\ntime 1 2\n",
		"varve/" RUN "\n5\n" ROOT "\nseal 0\nrecords 0 4\ntime 1 2\n", HEAD "seal 0\nrecords 0 4\ntime 1 2\ncount F 1 2 3\n", "varve/n\xc3\xa4/" RUN "\n5\n" ROOT "\nseal 0\nrecords 0 4\ntime 1 2\n", "varve/n/x\n5\n" ROOT "\nseal 0\nrecords 0 4\ntime 1 2\n"};
	char many[2048] = HEAD "seal 0\nrecords 0 4\ntime 1 2\n";
	struct seal seal;

	(void)state;
	assert_int_equal(seal_parse(SPAN(HEAD "seal 0\nrecords 0 4\ntime 1 2\nwhat a later version says\n"), &seal), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!seal_parse(SPAN(bad[i]), &seal))
			fail_msg("\"%s\" was taken", bad[i]);
	for (int i = 0; i <= SEAL_CLASSES_MAX; i++)
		strcat(many, "count c 1 2 3\n");
	assert_int_equal(seal_parse(SPAN(many), &seal), -EINVAL);
}

static void test_key_name(void **state)
{
	char name[NOTE_NAME_MAX + 1], node[256];
	uint8_t pub[NOTE_PUB_LEN] = {0};
	struct note_key key;

	(void)state;
	assert_int_equal(seal_key_name("a b+c/d\xff", name), 0);
	assert_string_equal(name, "varve/a%20b%2Bc%2Fd%FF");
	memset(node, ' ', 255);
	node[255] = '\0';
	assert_int_equal(seal_key_name(node, name), 0);
	assert_int_equal(note_key_init(&key, name, pub), 0);
}

static void test_tree(void **state)
{
	struct tree_hash leaf = {{1}}, frontier[TREE_LEVELS];
	struct seal seal = {.size = 3};
	struct tree t, again;
	size_t cnt;

	(void)state;
	tree_init(&t);
	for (int i = 0; i < 3; i++)
		tree_add(&t, &leaf);
	tree_root(&t, &seal.root);
	cnt = tree_frontier(&t, frontier);
	assert_true(seal_tree(&seal, frontier, cnt, &again));
	assert_int_equal(again.size, 3);
	assert_false(seal_tree(&seal, frontier, cnt - 1, &again));
	frontier[1].bytes[5] ^= 1;
	assert_false(seal_tree(&seal, frontier, cnt, &again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_key_name),
		cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
