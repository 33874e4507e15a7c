/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts, by a model of what a disk may hold afterwards. The log and the shipper's cursor are
 * written as the sensor does it; what fdatasync() and fsync() were called for is known, since they
 * are this file's. Then the directory is made what a cut could leave: of each file what was synced
 * and any part of the rest, with blocks of zeros, of garbage or of other files in it; names that
 * were not synced there or not, removed ones back; the cursor's slots of any age and torn; indexes
 * of anything. It is opened again, and again cut, several times, from seeds.
 *
 * What has to hold: nothing that a sync was for is lost; each frame that is read was written; none
 * is read twice; new frames have indexes beyond all that are there and beyond the cursor; what the
 * shipper passes over, Kafka has; RUN_START names the last record that is left.
 */
#include "tests/unit/log.h"
#include "evidence/event.h"
#include "sensor/run.h"
#include "sensor/ship_cursor.h"
#include "sensor/ship_source.h"
#include "evidence/crc32c.h"

#define SEEDS	    300
#define CUTS	    4
#define SEGMENT	    4000
#define SECTOR	    512
#define RECORDS_MAX 4000
#define FILES_MAX   64
#define SLOTS	    2

/* --- chance */

static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
	chance_state = chance_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return below ? (chance_state >> 33) % below : 0;
}

/* --- records: number i of the test is the record of that sequence, its run told by when it was
 * made */

static struct record {
	uint64_t index;
	int round;
	size_t filler;
	bool promised; /* a sync was for it */
	bool released; /* its segment may be gone: Kafka had it */
	bool acknowledged;
	bool seen; /* in the log after the cut */
} records[RECORDS_MAX];
static uint64_t record_cnt;

static size_t make_record(uint64_t i, uint8_t *buf)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	char run[UUID_LEN + 1], line[512] = "";

	snprintf(run, sizeof(run), "00000000-0000-4000-8000-%012d", records[i].round);
	memset(line, 'a' + (int)(i % 26), records[i].filler);
	ev.kind = "EXEC";
	ev.run_id = run;
	ev.node_name = "node";
	ev.has_sequence = ev.has_time_unix_nano = true;
	ev.sequence = i;
	ev.time_unix_nano = (int64_t)i * 1000;
	ev.body_case = VARVE__V1__EVENT__BODY_EXEC;
	ev.exec = &exec;
	exec.cmd_line = line;
	return varve__v1__event__pack(&ev, buf);
}

static void write_record(struct log *log, int round)
{
	uint8_t buf[1024];

	assert_true(record_cnt < RECORDS_MAX);
	records[record_cnt] = (struct record){.round = round, .filler = chance(400)};
	assert_int_equal(
		log_append(log, buf, make_record(record_cnt, buf), &records[record_cnt].index), 0);
	if (chance(8) == 0)
		log_mark(log);
	record_cnt++;
}

/* --- the disk */

struct file {
	char name[64];
	size_t len;
	uint8_t data[2 * SEGMENT + 8192];
};
struct disk {
	struct file files[FILES_MAX];
	size_t cnt;
};
static struct disk synced;	  /* contents, as of their last fdatasync */
static struct disk last;	  /* contents, as last seen, of what was removed, too */
static char names[FILES_MAX][64]; /* as of the last fsync of the directory */
static size_t name_cnt;
static char cursor_slots[64][SLOTS][SECTOR]; /* each version */
static size_t cursor_cnt;

static struct file *find(struct disk *d, const char *name)
{
	for (size_t i = 0; i < d->cnt; i++)
		if (!strcmp(d->files[i].name, name))
			return &d->files[i];
	return NULL;
}

static void keep(struct disk *d, const char *name)
{
	struct file *f = find(d, name);
	_cleanup_close_ int fd = open(path_of(name), O_RDONLY);

	if (!f) {
		assert_true(d->cnt < FILES_MAX);
		f = &d->files[d->cnt++];
		snprintf(f->name, sizeof(f->name), "%s", name);
	}
	assert_true(fd >= 0);
	f->len = (size_t)read(fd, f->data, sizeof(f->data));
	assert_true(f->len < sizeof(f->data));
}

static void each_name(void (*fn)(const char *name))
{
	DIR *list = opendir(dir);
	struct dirent *d;

	assert_non_null(list);
	while ((d = readdir(list)))
		if (d->d_name[0] != '.' && strcmp(d->d_name, "lock") != 0)
			fn(d->d_name);
	closedir(list);
}

static void keep_name(const char *name)
{
	assert_true(name_cnt < FILES_MAX && strlen(name) < sizeof(names[0]));
	strcpy(names[name_cnt++], name);
}

static void keep_last(const char *name)
{
	keep(&last, name);
}

static void keep_synced(const char *name)
{
	keep(&synced, name);
}

/* Instead of libc's: the model is told. */
int fdatasync(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	/* One that has been removed is nobody's. */
	if (!strncmp(path, dir, strlen(dir)) && !strstr(path, " (deleted)"))
		keep(&synced, strrchr(path, '/') + 1);
	return 0;
}

int fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	if (!S_ISDIR(st.st_mode))
		return fdatasync(fd);
	name_cnt = 0;
	each_name(keep_name);
	return 0;
}

/* What is there now is on the disk for good. */
static void all_is_synced(void)
{
	synced.cnt = last.cnt = name_cnt = cursor_cnt = 0;
	each_name(keep_name);
	each_name(keep_synced);
}

static bool is_name_synced(const char *name)
{
	for (size_t i = 0; i < name_cnt; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void put(const char *name, const void *data, size_t len)
{
	unlink(path_of(name)); /* cheaper than to truncate it */
	write_file(name, data, len);
}

/* The sector's part behind `from` becomes something else. */
static void spoil(struct file *f, size_t from, size_t to)
{
	const struct file *other = &last.files[chance(last.cnt)];

	for (size_t i = from; i < to; i++)
		f->data[i] = 0;
	if (chance(3) == 0)
		for (size_t i = from; i < to; i++)
			f->data[i] = (uint8_t)chance(256);
	else if (chance(2) == 0 && other->len >= to)
		memcpy(f->data + from, other->data + from, to - from);
}

static void cut_segment(struct file *f)
{
	const struct file *safe = find(&synced, f->name);
	size_t from = safe && safe->len <= f->len && !memcmp(safe->data, f->data, safe->len)
			      ? safe->len
			      : 0;
	unsigned int spoilt = (unsigned int)chance(3);

	if (chance(3))
		f->len = chance(2) ? from + chance(f->len - from + 1) : from;
	for (size_t at = from; spoilt && at < f->len; at = (at / SECTOR + 1) * SECTOR)
		if (chance(4) == 0)
			spoil(f, at, MIN((at / SECTOR + 1) * SECTOR, f->len));
	put(f->name, f->data, f->len);
}

/* Never synced, and needed by nobody. */
static void cut_index(struct file *f)
{
	const struct file *other = &last.files[chance(last.cnt)];

	switch (chance(5)) {
	case 0:
		unlink(path_of(f->name));
		return;
	case 1:
		f->len = chance(f->len + 1);
		break;
	case 2:
		memcpy(f->data, other->data, other->len);
		f->len = other->len;
		break;
	case 3:
		if (f->len)
			f->data[chance(f->len)] ^= 0x40;
		break;
	}
	put(f->name, f->data, f->len);
}

/* Each slot of any age, and perhaps torn between two. */
static void cut_cursor(void)
{
	char slots[SLOTS][SECTOR];

	if (!cursor_cnt)
		return;
	for (int s = 0; s < SLOTS; s++) {
		memcpy(slots[s], cursor_slots[chance(cursor_cnt)][s], SECTOR);
		if (chance(6) == 0)
			memcpy(slots[s], cursor_slots[chance(cursor_cnt)][s], chance(40));
	}
	put("cursor", slots, sizeof(slots));
}

static void cut_file(struct file *f)
{
	const char *dot = strrchr(f->name, '.');
	bool there = !access(path_of(f->name), F_OK), safe = is_name_synced(f->name);

	if (there != safe && chance(2)) /* a name that was made, or taken away, since */
		there = safe;
	if (!there) {
		unlink(path_of(f->name));
		return;
	}
	if (dot && !strcmp(dot, ".seg"))
		cut_segment(f);
	else if (dot && !strcmp(dot, ".idx"))
		cut_index(f);
	else if (strcmp(f->name, "cursor") != 0)
		put(f->name, f->data, f->len);
}

static void cut_power(void)
{
	each_name(keep_last);
	cut_cursor();
	for (size_t i = 0; i < last.cnt; i++) {
		struct file f = last.files[i];

		cut_file(&f);
	}
}

/* --- the sensor */

static void note_cursor(void)
{
	_cleanup_close_ int fd = open(path_of("cursor"), O_RDONLY);

	assert_true(cursor_cnt < ARRAY_SIZE(cursor_slots));
	memset(cursor_slots[cursor_cnt], 0, sizeof(cursor_slots[0]));
	assert_true(read(fd, cursor_slots[cursor_cnt], sizeof(cursor_slots[0])) >= 0);
	cursor_cnt++;
}

/* Kafka has all below this record, and the cursor says so. */
static void acknowledge(struct ship_cursor *cursor, struct log *log, uint64_t *acknowledged,
			uint64_t to)
{
	struct ship_mark mark = {.has_crc = true};
	uint8_t buf[1024];

	if (to <= *acknowledged)
		return;
	for (; *acknowledged < to; ++*acknowledged)
		records[*acknowledged].acknowledged = true;
	mark.index = records[to - 1].index + 1;
	mark.last_crc = crc32c(0, buf, make_record(to - 1, buf));
	assert_int_equal(ship_cursor_save(cursor, &mark), 0);
	note_cursor();
	if (chance(3))
		return;
	each_name(keep_last);
	assert_int_equal(log_release(log, mark.index), 0);
	for (uint64_t i = 0; i < to; i++)
		if (records[i].index < log_first_index(log))
			records[i].released = true;
}

/* From the frame on that is the first of this run, or beyond what was acknowledged before. */
static void work(struct log *log, struct ship_cursor *cursor, uint64_t acknowledged, int round)
{
	uint64_t flushed = record_cnt;

	note_cursor();
	for (uint64_t n = 20 + chance(150); n; n--) {
		write_record(log, round);
		if (chance(4) == 0) {
			assert_int_equal(log_flush(log), 0);
			flushed = record_cnt;
		}
		if (chance(40) == 0) {
			assert_int_equal(log_sync(log), 0);
			for (uint64_t i = 0; i < record_cnt; i++)
				records[i].promised |= records[i].seen || records[i].round == round;
			flushed = record_cnt;
		}
		if (cursor_cnt < 60 && chance(12) == 0 && flushed > acknowledged)
			acknowledge(cursor, log, &acknowledged,
				    acknowledged + 1 + chance(flushed - acknowledged));
	}
}

/* All that is in the log was written, as it is, once; returns the last one's number + 1. */
static uint64_t check_frames(uint64_t before)
{
	struct log_reader *r = open_reader(0);
	uint64_t exact_segment = UINT64_MAX, last_seen = 0, next_index = 0;
	const uint8_t *p;
	struct log_pos pos;
	size_t len;
	int got;

	for (uint64_t i = 0; i < record_cnt; i++)
		records[i].seen = false;
	while ((got = log_reader_next(r, &p, &len, &pos)) == 1 || got == -EBADMSG) {
		Varve__V1__Event *ev;
		uint8_t buf[1024];

		if (got != 1) {
			exact_segment = UINT64_MAX; /* until the next one */
			continue;
		}
		ev = event_decode(p, len);
		assert_non_null(ev);
		assert_true(ev->sequence < record_cnt);
		assert_int_equal(len, make_record(ev->sequence, buf));
		assert_memory_equal(p, buf, len);
		assert_false(records[ev->sequence].seen);
		records[ev->sequence].seen = true;
		if (pos.offset == LOG_SEG_HDR_LEN)
			exact_segment = pos.segment;
		if (exact_segment == pos.segment)
			assert_int_equal(pos.index, records[ev->sequence].index);
		assert_true(records[ev->sequence].index >= next_index);
		next_index = records[ev->sequence].index + 1;
		last_seen = ev->sequence + 1;
		varve__v1__event__free_unpacked(ev, NULL);
	}
	assert_int_equal(got, 0);
	log_reader_close(r);
	for (uint64_t i = 0; i < before; i++)
		if (records[i].promised && !records[i].released && !records[i].seen)
			fail_msg("record %llu was synced and is gone", (unsigned long long)i);
	return last_seen;
}

/* What the shipper would send from here on; -ESTALE: all. */
static void check_shipping(struct ship_mark mark)
{
	struct ship_source src;
	int got = 1;

	assert_int_equal(ship_source_open(&src, dir, &mark), 0);
	while (src.checking && (got = ship_source_check(&src, &mark)) != 0 && got != -ESTALE)
		assert_true(got == 1 || got == -EBADMSG);
	if (got == -ESTALE || !mark.index) {
		mark.index = 0;
		assert_int_equal(ship_source_seek(&src, 0), 0);
	}
	while ((got = ship_source_peek(&src)) != 0) {
		assert_true(got == 1 || got == -EBADMSG);
		if (got == 1) {
			Varve__V1__Event *ev = event_decode(src.frame.payload, src.frame.len);

			if (src.frame.index >= mark.index)
				records[ev->sequence].acknowledged = true;
			varve__v1__event__free_unpacked(ev, NULL);
			ship_source_take(&src);
		}
	}
	ship_source_close(&src);
	for (uint64_t i = 0; i < record_cnt; i++)
		if (records[i].seen && !records[i].acknowledged)
			fail_msg("record %llu is in the log, and would never be shipped",
				 (unsigned long long)i);
}

/* As main.c opens it; the log it gives has the first record of the new run. */
static struct log *come_back(struct ship_cursor *cursor, int round)
{
	struct log_opts opts = {.segment_bytes = SEGMENT, .buffer_bytes = 1000};
	uint64_t before = record_cnt, last_seen;
	struct log_recovery rec;
	struct run_place place;
	struct log *log = NULL;

	*cursor = (struct ship_cursor){.fd = -1};
	if (!access(path_of("cursor"), F_OK))
		assert_int_equal(ship_cursor_open(dir, cursor), 0);
	opts.min_next_index = cursor->mark.index;
	assert_int_equal(log_open(dir, &opts, &log, &rec), 0);
	if (cursor->fd < 0)
		assert_int_equal(ship_cursor_open(dir, cursor), 0);
	last_seen = check_frames(before);
	assert_true(rec.next_index >= cursor->mark.index);
	for (uint64_t i = 0; i < before; i++)
		if (records[i].seen)
			assert_true(rec.next_index > records[i].index);
	assert_int_equal(run_find_previous(dir, log_next_index(log), &place), 0);
	if (last_seen)
		assert_int_equal(place.sequence + 1, last_seen);
	else
		assert_string_equal(place.run_id, "");
	write_record(log, round);
	assert_int_equal(records[before].index, rec.next_index);
	assert_int_equal(log_flush(log), 0);
	check_frames(before);
	check_shipping(cursor->mark);
	return log;
}

static void one_life(uint64_t seed)
{
	struct ship_cursor cursor;
	struct log *log;

	chance_state = seed * 7919 + 1;
	record_cnt = 0;
	synced.cnt = last.cnt = name_cnt = cursor_cnt = 0;
	for (int round = 0; round <= CUTS; round++) {
		log = come_back(&cursor, round);
		/* What is in flight is taken to have arrived: come_back() shipped it all. */
		work(log, &cursor, record_cnt, round);
		if (round < CUTS)
			cut_power();
		/* The process is dead: what it still holds is not written. */
		log_free(log);
		ship_cursor_close(&cursor);
		if (round < CUTS)
			all_is_synced();
	}
}

static void test_power_cuts(void **state)
{
	uint64_t from = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 0;
	uint64_t to = getenv("SEED") ? from + 1 : SEEDS;

	(void)state;
	for (uint64_t seed = from; seed < to; seed++) {
		print_message("# seed %llu\n", (unsigned long long)seed);
		one_life(seed);
		remove_dir();
		assert_int_equal(mkdir(dir, 0700), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_power_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
