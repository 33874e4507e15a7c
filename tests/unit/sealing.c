/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor seals, the responder takes: over runs that end, die, and cannot write what they should. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "evidence/seal.h"
#include "responder/seals.h"
#include "sensor/conf.h"
#include "sensor/emit.h"
#include "sensor/run.h"
#include "sensor/seal_key.h"
#include "sensor/sealing.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#define SEC NSEC_PER_SEC

static char dir[64];
static struct conf conf;
static struct log *sealed_log;
static struct emit emit;
static struct sealing sealing;
static uint64_t now, segment_bytes = 1 << 20;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	diag_init("test", DIAG_ERROR);
	strcpy(dir, "/tmp/varve-sealing-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	conf = (struct conf){.log_dir = dir, .node_name = (char *)"a node", .seal_key_interval_ms = 5000};
	now = 1000 * SEC;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- a sensor */

static void start(void)
{
	struct log_opts opts = {.segment_bytes = segment_bytes};
	struct log_recovery recovery;
	struct run_place previous;
	struct tree tree;

	assert_int_equal(log_open(dir, &opts, &sealed_log, &recovery), 0);
	assert_int_equal(run_find_previous(dir, log_next_index(sealed_log), &previous), 0);
	assert_int_equal(run_find_tree(dir, log_next_index(sealed_log), &previous, &tree), 0);
	assert_int_equal(emit_init(&emit, sealed_log, conf.node_name), 0);
	assert_int_equal(sealing_open(&sealing, &conf, &emit), 0);
	assert_int_equal(run_emit_start(&emit, "", &previous, &tree, &recovery, false), 0);
	assert_int_equal(sealing_turn(&sealing, now += SEC), 0);
}

static void record(void)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exit body = VARVE__V1__EXIT__INIT;

	ev.body_case = VARVE__V1__EVENT__BODY_EXIT;
	ev.exit = &body;
	assert_int_equal(emit_event(&emit, &ev, NULL), 0);
}

static void work(int seconds)
{
	while (seconds--) {
		for (int i = 0; i < 7; i++)
			record();
		assert_int_equal(sealing_turn(&sealing, now += SEC), 0);
	}
}

static void leave(void)
{
	sealing_close(&sealing);
	emit_fini(&emit);
	log_close(sealed_log);
}

static void stop(void)
{
	assert_int_equal(run_emit_end(&emit, "SIGTERM", now, false), 0);
	assert_int_equal(sealing_end(&sealing), 0);
	leave();
}

/* --- a responder */

struct found {
	unsigned int cnt[SEALS_KIND_CNT];
	unsigned int runs, broken, open;
	uint64_t seals;
};

static void finding(const struct seals_finding *f, void *ctx)
{
	struct found *found = ctx;

	found->cnt[f->kind]++;
	if (getenv("SEALING_TRACE"))
		fprintf(stderr, "%s %llu-%llu %s\n", seals_finding_name(f->kind), (unsigned long long)f->from, (unsigned long long)f->to, f->text);
}

static void run_ended(const struct seals_run *run, void *ctx)
{
	struct found *found = ctx;

	found->runs++;
	found->broken += run->is_broken;
	found->open += run->is_open;
	found->seals += run->seal_cnt;
}

/* Some record, changed or not, comes once more behind all others. */
static uint64_t again; /* its index; 0: not */
static bool again_changed;

static void take_again(struct seals *seals)
{
	uint8_t buf[65536];
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	Varve__V1__Event *ev;
	size_t len;

	assert_int_equal(log_reader_open(dir, again, &reader), 0);
	assert_int_equal(log_reader_next(reader, &payload, &len, &pos), 1);
	ev = event_decode(payload, len);
	ev->boot_time_nano ^= again_changed;
	len = varve__v1__event__pack(ev, buf);
	seals_take(seals, ev, buf, len);
	varve__v1__event__free_unpacked(ev, NULL);
	log_reader_close(reader);
}

static struct found verify_from(const char *pub, uint64_t index)
{
	static const struct seals_ops ops = {finding, run_ended};
	struct keyring keys = {};
	struct found found = {};
	struct log_reader *reader;
	const uint8_t *payload;
	struct seals *seals;
	struct log_pos pos;
	char path[128];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, pub);
	assert_int_equal(keyring_load_trusted(&keys, path), 0);
	snprintf(path, sizeof(path), "%s/sensor.keys", dir);
	keyring_load_changes(&keys, path);
	seals = seals_new(&keys, false, INT64_MIN, INT64_MAX, &ops, &found);
	assert_int_equal(log_reader_open(dir, index, &reader), 0);
	while (log_reader_next(reader, &payload, &len, &pos) == 1) {
		Varve__V1__Event *ev = event_decode(payload, len);

		seals_take(seals, ev, payload, len);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	log_reader_close(reader);
	if (again)
		take_again(seals);
	seals_end(seals);
	seals_free(seals);
	keyring_fini(&keys);
	return found;
}

static struct found verify(void)
{
	return verify_from("sensor.pub", 0);
}

/* --- */

static void test_runs(void **state)
{
	struct found found;

	(void)state;
	start();
	work(12); /* the key changes, and changes */
	stop();
	start();
	work(3);
	record(); /* never sealed */
	leave();
	start();
	work(1);
	stop();
	found = verify();
	assert_int_equal(found.runs, 3);
	assert_int_equal(found.broken + found.open, 0);
	assert_int_equal(found.cnt[SEALS_CRASHED], 1);
	assert_int_equal(found.seals, 1 + 12 + 1 + 1 + 3 + 1 + 1 + 1);
}

static void test_from_the_middle(void **state)
{
	struct found found;

	(void)state;
	start();
	work(4);
	stop();
	start();
	work(4);
	stop();
	for (uint64_t index = 1; index < 70; index += 3) {
		found = verify_from("sensor.pub", index);
		assert_int_equal(found.broken, 0);
		assert_int_equal(found.cnt[SEALS_BEGINS], 1);
		/* But for where a seal is the first record. */
		assert_int_equal(found.open, found.cnt[SEALS_HEAD]);
	}
}

/* Each segment begins with a seal: the oldest can go, and nothing of the others is unsealed. */
static void test_segments(void **state)
{
	struct found found;
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	uint64_t segments = 0, begin[64];
	size_t len;

	(void)state;
	segment_bytes = 8192;
	start();
	work(30);
	/* Longer than a seal: what begins a segment is a seal all the same. */
	for (int i = 0; i < 40; i++) {
		Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
		Varve__V1__RunEnd body = VARVE__V1__RUN_END__INIT;
		char text[3000];

		memset(text, 'x', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		body.reason = text;
		ev.body_case = VARVE__V1__EVENT__BODY_RUN_END;
		ev.run_end = &body;
		assert_int_equal(emit_event(&emit, &ev, NULL), 0);
	}
	work(30);
	stop();
	segment_bytes = 1 << 20;
	assert_int_equal(log_reader_open(dir, 0, &reader), 0);
	while (log_reader_next(reader, &payload, &len, &pos) == 1) {
		Varve__V1__Event *ev = event_decode(payload, len);

		if (pos.index && pos.index == pos.segment) {
			assert_int_equal(ev->body_case, VARVE__V1__EVENT__BODY_SEAL);
			begin[segments++] = pos.index;
		}
		varve__v1__event__free_unpacked(ev, NULL);
	}
	log_reader_close(reader);
	assert_true(segments > 3);
	for (uint64_t i = 0; i < segments; i++) {
		found = verify_from("sensor.pub", begin[i]);
		assert_int_equal(found.broken + found.open, 0);
		assert_int_equal(found.cnt[SEALS_HEAD], 0);
	}
}

static void test_killed_again_and_again(void **state)
{
	struct found found;

	(void)state;
	for (int i = 0; i < 30; i++) {
		start();
		work(i % 3);
		for (int k = 0; k < i % 4; k++)
			record();
		leave();
	}
	start();
	stop();
	found = verify();
	assert_int_equal(found.runs, 31);
	assert_int_equal(found.broken + found.open, 0);
	assert_int_equal(found.cnt[SEALS_CRASHED], 30);
}

/* The key is changed for good, and the seal that says so finds no room: the next one tells. */
static void test_change_that_is_not_written(void **state)
{
	struct found found;
	size_t size;

	(void)state;
	start();
	work(3);
	record();
	size = emit.buf_size;
	emit.buf_size = 100;
	assert_int_not_equal(sealing_turn(&sealing, now += 10 * SEC), 0);
	assert_true(sealing.change[0] != '\0');
	emit.buf_size = size;
	work(2);
	assert_true(sealing.change[0] == '\0');
	stop();
	/* And the sensor dies before there is one. */
	start();
	record();
	emit.buf_size = 100;
	assert_int_not_equal(sealing_turn(&sealing, now += 10 * SEC), 0);
	emit.buf_size = size;
	leave();
	start();
	stop();
	found = verify();
	assert_int_equal(found.runs, 3);
	assert_int_equal(found.broken + found.open, 0);
}

/* The node has another name from some run on, also from the first. */
static void test_other_name(void **state)
{
	struct found found;

	(void)state;
	start();
	stop();
	conf.node_name = (char *)"another";
	start();
	work(2);
	leave();
	conf.node_name = (char *)"a third";
	start();
	work(7);
	stop();
	found = verify();
	assert_int_equal(found.runs, 3);
	assert_int_equal(found.broken + found.open, 0);
}

/* A key is there already, of the time when the node was called otherwise. */
static void test_other_name_at_first(void **state)
{
	struct log_opts opts = {.segment_bytes = segment_bytes};
	struct log_recovery recovery;
	struct seal_key *key;
	struct found found;

	(void)state;
	assert_int_equal(log_open(dir, &opts, &sealed_log, &recovery), 0);
	log_close(sealed_log);
	assert_int_equal(seal_key_open(dir, NULL, "varve/before", &key), 0);
	seal_key_close(key);
	start();
	work(2);
	stop();
	found = verify();
	assert_int_equal(found.broken + found.open, 0);
	assert_int_equal(found.seals, 4);
}

/* Kafka may have records again; one that only looks so is found, or at least not passed. */
static void test_again(void **state)
{
	struct found found;

	(void)state;
	start();
	work(200); /* more records than are kept to be compared with */
	stop();
	again = 1590;
	again_changed = false;
	found = verify();
	assert_int_equal(found.broken + found.open, 0);
	assert_int_equal(found.cnt[SEALS_COPIES], 1);
	again_changed = true;
	assert_int_equal(verify().cnt[SEALS_REPEATED], 1);
	again = 20;
	found = verify();
	assert_int_equal(found.broken, 0);
	assert_int_equal(found.open, 1);
	assert_int_equal(found.cnt[SEALS_AGAIN], 1);
	/* Before the first that is here: there was none like it. */
	found = verify_from("sensor.pub", 100);
	assert_int_equal(found.broken, 1);
	assert_int_equal(found.cnt[SEALS_ORDER], 1);
	again = 0;
}

/* A key that cannot be changed goes on signing. */
static void test_change_that_cannot_be(void **state)
{
	char keys[128], was[128];
	struct found found;

	(void)state;
	snprintf(keys, sizeof(keys), "%s/sensor.keys", dir);
	snprintf(was, sizeof(was), "%s/was", dir);
	start();
	assert_int_equal(rename(keys, was), 0);
	assert_int_equal(mkdir(keys, 0700), 0);
	work(8);
	assert_int_equal(rmdir(keys), 0);
	assert_int_equal(rename(was, keys), 0);
	work(2);
	stop();
	found = verify();
	assert_int_equal(found.broken + found.open, 0);
	assert_int_equal(found.seals, 12);
}

/* Nothing new, nothing to seal; and not more often than each second. */
static void test_when(void **state)
{
	uint64_t sequence;

	(void)state;
	start();
	sequence = emit.sequence;
	assert_int_equal(sealing_turn(&sealing, now += 100 * SEC), 0);
	assert_int_equal(emit.sequence, sequence);
	record();
	assert_int_equal(sealing_turn(&sealing, now), 0);
	assert_int_equal(emit.sequence, sequence + 2);
	record();
	assert_int_equal(sealing_turn(&sealing, now + SEC / 2), 0);
	assert_int_equal(emit.sequence, sequence + 3);
	assert_int_equal(sealing_turn(&sealing, now + SEC), 0);
	assert_int_equal(emit.sequence, sequence + 4);
	leave();
	assert_int_equal(verify().open, 1);
	assert_int_equal(verify().cnt[SEALS_TAIL], 0);
}

static void test_tree_of_the_run_before(void **state)
{
	struct run_place last;
	struct tree tree, was;
	struct tree_hash a, b;
	uint64_t next;

	(void)state;
	start();
	work(5);
	record();
	was = emit.tree;
	next = log_next_index(sealed_log);
	leave();
	assert_int_equal(run_find_previous(dir, next, &last), 0);
	assert_int_equal(run_find_tree(dir, next, &last, &tree), 0);
	tree_root(&was, &a);
	tree_root(&tree, &b);
	assert_int_equal(tree.size, was.size);
	assert_memory_equal(&a, &b, sizeof(a));
	last.sequence++; /* one that is not there */
	assert_int_equal(run_find_tree(dir, next, &last, &tree), 0);
	assert_int_equal(tree.size, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_runs),
		TEST(test_from_the_middle),
		TEST(test_segments),
		TEST(test_killed_again_and_again),
		TEST(test_change_that_is_not_written),
		TEST(test_other_name),
		TEST(test_other_name_at_first),
		TEST(test_again),
		TEST(test_change_that_cannot_be),
		TEST(test_when),
		TEST(test_tree_of_the_run_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
