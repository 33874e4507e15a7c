/* SPDX-License-Identifier: Apache-2.0 */
/* A log directory as a source: records in order, damage told and passed, errors in one line. */
#include "tests/unit/responder_sample.h"
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

struct fixture {
	struct sample s;
	struct sample_container c;
	char dir[64];
	struct source *src;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	strcpy(f->dir, "/tmp/varve-source-dir-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	sample_story(&f->s, &f->c);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	source_close(f->src);
	sample_fini(&f->s);
	sample_remove_dir(f->dir);
	free(f);
	return 0;
}

static const struct source_opts none;

static void expect_all(struct fixture *f)
{
	struct source_item item;

	for (size_t i = 0; i < f->s.cnt; i++) {
		assert_int_equal(source_next(f->src, &item), 0);
		assert_int_equal(item.what, SOURCE_RECORD);
		assert_int_equal(item.len, f->s.items[i].len);
		assert_memory_equal(item.payload, f->s.items[i].payload, item.len);
	}
	assert_int_equal(source_next(f->src, &item), 0);
	assert_int_equal(item.what, SOURCE_END);
}

static void test_all_records_twice(void **state)
{
	struct fixture *f = *state;

	sample_write_log(&f->s, f->dir, 1 << 20);
	assert_int_equal(source_open(f->dir, &none, &f->src), 0);
	expect_all(f);
	assert_int_equal(source_rewind(f->src), 0);
	expect_all(f);
}

static void test_many_segments(void **state)
{
	struct fixture *f = *state;

	sample_write_log(&f->s, f->dir, 600);
	assert_int_equal(source_open(f->dir, &none, &f->src), 0);
	expect_all(f);
}

static void flip_byte_in_first_segment(const char *dir, off_t offset)
{
	char pattern[128];
	glob_t segments;
	uint8_t byte;

	snprintf(pattern, sizeof(pattern), "%s/*.seg", dir);
	assert_int_equal(glob(pattern, 0, NULL, &segments), 0);
	int fd = open(segments.gl_pathv[0], O_RDWR);

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
	globfree(&segments);
}

static void test_damage_is_told_and_passed(void **state)
{
	struct fixture *f = *state;
	struct source_item item;
	size_t records = 0, damages = 0;

	sample_write_log(&f->s, f->dir, 1 << 20);
	flip_byte_in_first_segment(f->dir, 32 + 300);
	assert_int_equal(source_open(f->dir, &none, &f->src), 0);
	while (!source_next(f->src, &item) && item.what != SOURCE_END) {
		records += item.what == SOURCE_RECORD;
		if (item.what != SOURCE_DAMAGE)
			continue;
		damages++;
		assert_non_null(strstr(item.where, ".seg, offset "));
	}
	assert_int_equal(damages, 1);
	assert_int_equal(records, f->s.cnt - 1);
}

static void newest_segment(const char *dir, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/00000000000000000000.seg", dir);
}

/* Cuts so many bytes off; they are kept. */
static void tear(const char *dir, uint8_t *ret_cut, size_t len)
{
	char path[128];
	struct stat st;

	newest_segment(dir, path, sizeof(path));
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pread(fd, ret_cut, len, st.st_size - (off_t)len), len);
	assert_int_equal(ftruncate(fd, st.st_size - (off_t)len), 0);
	close(fd);
}

static void test_torn_end_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct source_item item;
	uint8_t cut[5];

	sample_write_log(&f->s, f->dir, 1 << 20);
	tear(f->dir, cut, sizeof(cut));
	assert_int_equal(source_open(f->dir, &none, &f->src), 0);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i + 1 < f->s.cnt; i++) {
			assert_int_equal(source_next(f->src, &item), 0);
			assert_int_equal(item.what, SOURCE_RECORD);
		}
		assert_int_equal(source_next(f->src, &item), 0);
		assert_int_equal(item.what, SOURCE_DAMAGE);
		assert_true(item.at_tail);
		assert_non_null(strstr(item.where, "00000000000000000000.seg, offset "));
		assert_int_equal(source_next(f->src, &item), 0);
		assert_int_equal(item.what, SOURCE_END);
		assert_int_equal(source_rewind(f->src), 0);
	}
}

struct writer {
	const char *dir;
	uint8_t rest[5];
};

/* A sensor that was between the two halves of its write. */
static void *write_rest(void *arg)
{
	const struct timespec wait = {.tv_nsec = 50000000};
	struct writer *w = arg;
	char path[128];

	nanosleep(&wait, NULL);
	newest_segment(w->dir, path, sizeof(path));
	int fd = open(path, O_WRONLY | O_APPEND);
	ssize_t n = write(fd, w->rest, sizeof(w->rest));

	close(fd);
	return (void *)n;
}

static void test_half_written_frame_of_a_live_writer(void **state)
{
	struct fixture *f = *state;
	struct writer w = {.dir = f->dir};
	pthread_t thread;
	void *n;

	sample_write_log(&f->s, f->dir, 1 << 20);
	tear(f->dir, w.rest, sizeof(w.rest));
	assert_int_equal(source_open(f->dir, &none, &f->src), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_rest, &w), 0);
	expect_all(f);
	assert_int_equal(pthread_join(thread, &n), 0);
	assert_int_equal((ssize_t)n, sizeof(w.rest));
}

static void test_not_a_log(void **state)
{
	struct fixture *f = *state;

	assert_true(source_open("/nonexistent/varve", &none, &f->src) < 0);
	assert_true(source_open("http://localhost", &none, &f->src) < 0);
	assert_true(source_open(f->dir, &none, &f->src) < 0); /* empty: no log */
	assert_null(f->src);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_records_twice),
		T(test_many_segments),
		T(test_damage_is_told_and_passed),
		T(test_torn_end_is_told_once),
		T(test_half_written_frame_of_a_live_writer),
		T(test_not_a_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
