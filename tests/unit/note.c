/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes: the example of Go's note package, what is refused, and what another key or another text makes of a signature. */
#include "evidence/note.h"
#include "evidence/base.h"
#include "evidence/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_SEED "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM="
#define PETER_TEXT "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define PETER_SIG "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

static struct note_key peter(void)
{
	struct note_key key;

	assert_int_equal(note_key_parse(PETER, strlen(PETER), &key), 0);
	return key;
}

static void test_example(void **state)
{
	static const char signed_[] = PETER_TEXT "\n" PETER_SIG;
	struct note_key key = peter();
	char buf[NOTE_MAX] = PETER_TEXT, vkey[NOTE_VKEY_SIZE];
	size_t len = strlen(buf);
	struct note note;
	uint8_t seed[32];
	EVP_PKEY *private_key;

	(void)state;
	note_key_format(&key, vkey);
	assert_string_equal(vkey, PETER);
	assert_int_equal(note_parse(signed_, strlen(signed_), &note), 0);
	assert_int_equal(note.sig_cnt, 1);
	assert_true(note_verify(&note, &key));

	assert_true(base64_decode_exactly(PETER_SEED, strlen(PETER_SEED), seed, sizeof(seed)));
	private_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	assert_int_equal(note_sign(buf, sizeof(buf), len, &len, &key, private_key), 0);
	assert_int_equal(len, strlen(signed_));
	assert_memory_equal(buf, signed_, len);
	assert_int_equal(note_sign(buf, len + 10, strlen(PETER_TEXT), &len, &key, private_key), -EMSGSIZE);
	EVP_PKEY_free(private_key);
}

static void test_changed(void **state)
{
	static const char signed_[] = PETER_TEXT "\n" PETER_SIG;
	struct note_key key = peter(), other = key;
	char text[sizeof(signed_)];
	struct note note;

	(void)state;
	other.pub[0] ^= 1;
	assert_int_equal(note_key_init(&other, other.name, other.pub), 0);
	assert_int_equal(note_parse(signed_, strlen(signed_), &note), 0);
	assert_false(note_verify(&note, &other));
	memcpy(other.id, key.id, sizeof(key.id)); /* says that it is that key */
	assert_false(note_verify(&note, &other));
	/* No bit of it can be another. */
	for (size_t i = 0; i < strlen(signed_); i++) {
		strcpy(text, signed_);
		text[i] ^= 1;
		if (!note_parse(text, strlen(text), &note) && note_verify(&note, &key))
			fail_msg("byte %zu can be changed", i);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"", "\n", "a\n", "a\n\n", "a\n" PETER_SIG, "\n" PETER_SIG, "a\n\n" PETER_SIG "b\n",
					  "a\n\n- PeterNeumann x08go/Y=\n", "a\n\n\xe2\x80\x94 x08go/Y=\n", "a\n\n\xe2\x80\x94 Peter+ x08go/Y=\n",
					  "a\n\n\xe2\x80\x94 Peter x08go\n", "a\n\n\xe2\x80\x94 Peter x08goA==\n", "a\n\n\xe2\x80\x94 Peter x08go/Y=", "a\tb\n\n" PETER_SIG, "a\xff\n\n" PETER_SIG};
	static const char *const bad_keys[] = {"", "PeterNeumann", "PeterNeumann+c74f20a3", "PeterNeumann+c74f20a3+",
					       "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
					       "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
					       "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
					       "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", PETER "=", PETER "\n"};
	char many[NOTE_MAX] = "a\n\n", *huge = calloc(1, NOTE_MAX + 200);
	struct note_key key;
	struct note note;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!note_parse(bad[i], strlen(bad[i]), &note))
			fail_msg("\"%s\" was taken", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++)
		if (!note_key_parse(bad_keys[i], strlen(bad_keys[i]), &key))
			fail_msg("key \"%s\" was taken", bad_keys[i]);
	for (int i = 0; i <= NOTE_SIGS_MAX; i++)
		strcat(many, PETER_SIG);
	assert_int_equal(note_parse(many, strlen(many), &note), -EINVAL);
	memset(huge, 'a', NOTE_MAX);
	strcat(huge, "\n\n" PETER_SIG);
	assert_int_equal(note_parse(huge, strlen(huge), &note), -EINVAL);
	free(huge);
}

static int parse(const char *text, struct checkpoint *c)
{
	return checkpoint_parse((struct note_span){text, strlen(text)}, c);
}

static void test_checkpoint(void **state)
{
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	static const char *const bad[] = {"", "o\n", "o\n1\n", "\n1\n" ROOT "\n", "o\n01\n" ROOT "\n", "o\n-1\n" ROOT "\n", "o\n18446744073709551616\n" ROOT "\n",
					  "o\n1\n" ROOT, "o\n1\nAA==\n", "o\n1\n" ROOT "\n\n", "o\n1\n" ROOT "\nx"};
	struct checkpoint c;

	(void)state;
	assert_int_equal(parse("varve/n/r\n20852163\n" ROOT "\nmore 1\nand 2\n", &c), 0);
	assert_int_equal(c.size, 20852163);
	assert_int_equal(c.origin.len, 9);
	assert_int_equal(c.root.bytes[0], 0x0a);
	assert_int_equal(c.extensions.len, 13);
	assert_int_equal(parse("o\n0\n" ROOT "\n", &c), 0);
	assert_int_equal(c.extensions.len, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!parse(bad[i], &c))
			fail_msg("\"%s\" was taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
