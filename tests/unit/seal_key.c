/* SPDX-License-Identifier: Apache-2.0 */
/* The signing keys on the disk: made, changed, and found again after a crash at each step of a change. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/seal.h"
#include <unistd.h>
static int fsyncs_left = -1; /* then they fail; -1: none does */
static int fsync_or_fail(int fd);
#define fsync fsync_or_fail
#include "sensor/seal_key.c"
#undef fsync
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static int fsync_or_fail(int fd)
{
	if (!fsyncs_left) {
		errno = EIO;
		return -1;
	}
	fsyncs_left -= fsyncs_left > 0;
	return fsync(fd);
}

static char dir[] = "/tmp/varve-seal-key-XXXXXX";

static char *path(const char *name)
{
	static char p[4][128];
	static int i;

	i = (i + 1) % 4;
	snprintf(p[i], sizeof(p[i]), "%s/%s", dir, name);
	return p[i];
}

static size_t slurp(const char *name, char *ret, size_t size)
{
	FILE *f = fopen(path(name), "r");
	size_t n = f ? fread(ret, 1, size - 1, f) : 0;

	if (f)
		fclose(f);
	ret[n] = '\0';
	return n;
}

static void spill(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	diag_init("test", DIAG_ERROR);
	strcpy(strrchr(dir, '-'), "-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = {"sensor.key", "sensor.next", "sensor.pub", "sensor.keys", "sensor.keys.old", "first"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (unlink(path(names[i])))
			rmdir(path(names[i]));
	return rmdir(dir);
}

static struct seal_key *open_first(const char *first)
{
	struct seal_key *k;

	assert_int_equal(seal_key_open(dir, first, "varve/n", &k), 0);
	return k;
}

/* A seal that names the next key, as the sensor makes it. */
static size_t make_change(struct seal_key *k, char buf[NOTE_MAX])
{
	struct seal s = {.key_name = {"varve/n", 7}, .run_id = {"11111111-2222-3333-4444-555555555555", UUID_LEN}, .size = 1, .has_next = true};
	struct note note;
	size_t len, text;

	s.next = *seal_key_next(k);
	assert_int_equal(seal_format(&s, buf, NOTE_MAX, &text), 0);
	len = text;
	assert_int_equal(seal_key_sign(k, buf, NOTE_MAX, text, &len), 0);
	assert_int_equal(seal_key_sign_next(k, buf, NOTE_MAX, text, &len), 0);
	assert_int_equal(note_parse(buf, len, &note), 0);
	assert_true(note_verify(&note, seal_key_current(k)) && note_verify(&note, seal_key_next(k)));
	return len;
}

static void change(struct seal_key *k)
{
	struct note_key next;
	char buf[NOTE_MAX];
	const char *last;
	size_t len;

	assert_int_equal(seal_key_prepare(k), 0);
	next = *seal_key_next(k);
	assert_false(note_key_equal(&next, seal_key_current(k)));
	len = make_change(k, buf);
	assert_int_equal(seal_key_commit(k, buf, len), 0);
	assert_true(note_key_equal(&next, seal_key_current(k)));
	assert_null(seal_key_next(k));
	assert_int_equal(seal_key_last_change(k, &last), len);
	assert_memory_equal(last, buf, len);
}

static void test_made(void **state)
{
	struct seal_key *k = open_first(NULL);
	char text[NOTE_VKEY_SIZE], vkey[NOTE_VKEY_SIZE];
	struct note_key was = *seal_key_current(k);
	const char *last;
	struct stat st;

	(void)state;
	assert_int_equal(stat(path("sensor.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	slurp("sensor.pub", text, sizeof(text));
	note_key_format(&was, vkey);
	assert_memory_equal(text, vkey, strlen(vkey));
	assert_string_equal(text + strlen(vkey), "\n");
	assert_int_equal(seal_key_last_change(k, &last), 0);
	assert_int_not_equal(access(path("sensor.next"), F_OK), 0);
	seal_key_close(k);
	k = open_first(NULL);
	assert_true(note_key_equal(&was, seal_key_current(k)));
	seal_key_close(k);
}

static void test_changed(void **state)
{
	struct seal_key *k = open_first(NULL);
	char was[1024], is[1024], pub[1024], pub_is[1024];
	struct note_key key;
	const char *last;

	(void)state;
	slurp("sensor.pub", pub, sizeof(pub));
	for (int i = 0; i < 20; i++) {
		slurp("sensor.key", was, sizeof(was));
		change(k);
		slurp("sensor.key", is, sizeof(is));
		assert_string_not_equal(was, is);
	}
	key = *seal_key_current(k);
	seal_key_close(k);
	k = open_first(NULL);
	assert_true(note_key_equal(&key, seal_key_current(k)));
	assert_true(seal_key_last_change(k, &last) > 0);
	slurp("sensor.pub", pub_is, sizeof(pub_is));
	assert_string_equal(pub, pub_is);
	seal_key_close(k);
}

static void test_other_name(void **state)
{
	struct seal_key *k = open_first(NULL), *other;
	struct note_key was = *seal_key_current(k);

	(void)state;
	seal_key_close(k);
	assert_int_equal(seal_key_open(dir, NULL, "varve/other", &other), 0);
	assert_true(note_key_equal(&was, seal_key_current(other)));
	assert_int_equal(seal_key_prepare(other), 0);
	assert_string_equal(seal_key_next(other)->name, "varve/other");
	seal_key_close(other);
}

/* What a crash leaves before the change is in sensor.keys, and behind it. */
static void test_crashes(void **state)
{
	struct seal_key *k = open_first(NULL);
	char key[1024], next[1024], note[NOTE_MAX + 1];
	struct note_key was, prepared;
	size_t len;

	(void)state;
	change(k);
	was = *seal_key_current(k);
	assert_int_equal(seal_key_prepare(k), 0);
	prepared = *seal_key_next(k);
	slurp("sensor.key", key, sizeof(key));
	slurp("sensor.next", next, sizeof(next));
	len = make_change(k, note);
	seal_key_close(k);
	assert_int_not_equal(access(path("sensor.next"), F_OK), 0);

	for (size_t part = 0; part <= strlen(next); part += 10) {
		spill("sensor.next", next);
		assert_int_equal(truncate(path("sensor.next"), part), 0);
		k = open_first(NULL);
		assert_true(note_key_equal(&was, seal_key_current(k)));
		assert_int_not_equal(access(path("sensor.next"), F_OK), 0);
		seal_key_close(k);
	}
	spill("sensor.next", next);
	FILE *f = fopen(path("sensor.keys"), "a");
	fwrite(note, 1, len, f);
	fputc('\n', f);
	fclose(f);
	k = open_first(NULL);
	assert_true(note_key_equal(&prepared, seal_key_current(k)));
	seal_key_close(k);
	/* The old key erased, in part or all of it, and the new one not in its place yet. */
	for (size_t part = 0; part <= strlen(key); part += 10) {
		spill("sensor.key", key);
		f = fopen(path("sensor.key"), "r+");
		for (size_t i = 0; i < part; i++)
			fputc(0, f);
		fclose(f);
		spill("sensor.next", next);
		k = open_first(NULL);
		assert_true(note_key_equal(&prepared, seal_key_current(k)));
		seal_key_close(k);
	}
}

/* All begins anew, and that is said: readers need the new key, too. */
static void test_lost(void **state)
{
	struct seal_key *k = open_first(NULL);
	struct note_key was = *seal_key_current(k);
	char pub[2048];

	(void)state;
	change(k);
	seal_key_close(k);
	spill("sensor.key", "");
	k = open_first(NULL);
	assert_false(note_key_equal(&was, seal_key_current(k)));
	slurp("sensor.pub", pub, sizeof(pub));
	assert_ptr_equal(strrchr(pub, '\n'), pub + strlen(pub) - 1);
	assert_ptr_not_equal(strchr(pub, '\n'), strrchr(pub, '\n'));
	seal_key_close(k);
}

/* A power cut leaves half of a change. */
static void test_half_a_change(void **state)
{
	struct seal_key *k = open_first(NULL);
	char keys[4096], again[4096];
	struct note_key now;
	size_t whole, one;

	(void)state;
	change(k);
	one = slurp("sensor.keys", keys, sizeof(keys));
	change(k);
	now = *seal_key_current(k);
	whole = slurp("sensor.keys", keys, sizeof(keys));
	seal_key_close(k);
	for (size_t half = 1; half < one; half += 7) {
		FILE *f = fopen(path("sensor.keys"), "w");

		fwrite(keys, 1, whole, f);
		fwrite(keys, 1, half, f);
		fclose(f);
		k = open_first(NULL);
		assert_true(note_key_equal(&now, seal_key_current(k)));
		seal_key_close(k);
		assert_int_equal(slurp("sensor.keys", again, sizeof(again)), whole);
		assert_memory_equal(keys, again, whole);
	}
}

/* The first key is told, also if the first start was cut off before it was. */
static void test_untold(void **state)
{
	struct seal_key *k = open_first(NULL);
	char pub[1024], again[1024];

	(void)state;
	slurp("sensor.pub", pub, sizeof(pub));
	seal_key_close(k);
	unlink(path("sensor.pub"));
	seal_key_close(open_first(NULL));
	slurp("sensor.pub", again, sizeof(again));
	assert_string_equal(pub, again);
}

static void test_cannot_keep(void **state)
{
	struct seal_key *k = open_first(NULL);
	struct note_key was = *seal_key_current(k);
	char buf[NOTE_MAX];
	size_t len;

	(void)state;
	assert_int_equal(mkdir(path("sensor.keys"), 0700), 0);
	assert_int_equal(seal_key_prepare(k), 0);
	len = make_change(k, buf);
	assert_true(seal_key_commit(k, buf, len) < 0);
	assert_null(seal_key_next(k));
	assert_true(note_key_equal(&was, seal_key_current(k)));
	assert_int_equal(rmdir(path("sensor.keys")), 0);
	change(k);
	seal_key_close(k);
}

/*
 * A disk that fails at any moment of a change: the key stays or is changed, one that signs is always
 * in a file, and what is in sensor.keys is what happened. The next change succeeds.
 */
static void test_syncs_fail(void **state)
{
	(void)state;
	for (int left = 0; left < 8; left++) {
		struct seal_key *k = open_first(NULL);
		struct note_key was = *seal_key_current(k), is;
		const char *note;
		char buf[NOTE_MAX];
		size_t before = seal_key_last_change(k, &note), len;
		bool changed = false;

		fsyncs_left = left;
		if (!seal_key_prepare(k)) {
			len = make_change(k, buf);
			changed = !seal_key_commit(k, buf, len);
		}
		fsyncs_left = -1;
		is = *seal_key_current(k);
		assert_int_equal(note_key_equal(&was, &is), !changed);
		if (!changed)
			assert_int_equal(seal_key_last_change(k, &note), before);
		seal_key_close(k);
		k = open_first(NULL);
		assert_true(note_key_equal(&is, seal_key_current(k)));
		change(k);
		seal_key_close(k);
	}
}

/* What would be longer than anybody reads begins anew, and the old part is kept. */
static void test_keys_roll(void **state)
{
	struct seal_key *k = open_first(NULL);
	struct stat st;

	(void)state;
	change(k);
	assert_int_equal(truncate(path("sensor.keys"), KEYS_MAX), 0);
	change(k);
	assert_int_not_equal(access(path("sensor.keys.old"), F_OK), 0);
	change(k);
	assert_int_equal(stat(path("sensor.keys.old"), &st), 0);
	assert_true(st.st_size > KEYS_MAX);
	assert_int_equal(stat(path("sensor.keys"), &st), 0);
	assert_true(st.st_size < NOTE_MAX);
	seal_key_close(k);
	k = open_first(NULL);
	change(k);
	seal_key_close(k);
}

static void test_given(void **state)
{
	/* RFC 8410, 10.3; the public key is from RFC 8032's way, checked with openssl pkey -pubout. */
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
	static const char *const bad[] = {"", "x", "PRIVATE+KEY+a+b+c", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
					  "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"};
	static const uint8_t pub[2] = {0x19, 0xbf};
	struct seal_key *k;
	struct note_key key;

	(void)state;
	spill("first", pem);
	k = open_first(path("first"));
	assert_memory_equal(seal_key_current(k)->pub, pub, sizeof(pub));
	assert_string_equal(seal_key_current(k)->name, "varve/n");
	change(k);
	key = *seal_key_current(k);
	seal_key_close(k);
	k = open_first(path("first")); /* it has been the first already */
	assert_true(note_key_equal(&key, seal_key_current(k)));
	seal_key_close(k);
	unlink(path("sensor.key"));
	assert_true(seal_key_open(dir, path("none"), "varve/n", &k) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		spill("first", bad[i]);
		assert_true(seal_key_open(dir, path("first"), "varve/n", &k) < 0);
	}
	spill("first", "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n");
	k = open_first(path("first"));
	assert_string_equal(seal_key_current(k)->name, "PeterNeumann");
	seal_key_close(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crashes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_untold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_keep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_syncs_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_roll, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
