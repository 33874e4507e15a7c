/* SPDX-License-Identifier: Apache-2.0 */
/* From a record to FILE_HASH: when one is said, when not, and what is in it. */
#include "tests/unit/fake_log.h"
#include "sensor/conf.h"
#include "sensor/hash.c"
#include "tests/unit/hash_files.h"
#include "tests/unit/raw.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct conf conf;
static struct container_table *containers;
static struct hash *hash;
static struct raw raw;

static int setup(void **state)
{
	struct cgroup_identity id = {.container_id = ID};
	struct container *c;

	if (fake_setup(state) || files_setup())
		return -1;
	conf = (struct conf){.hash = CONF_HASH_ON,
			     .hash_size_bytes = 1000,
			     .hash_rate_bytes = 64 << 20,
			     .host_root = (char *)""};
	assert_int_equal(container_table_new(files_dir, 4, &containers), 0);
	assert_int_equal(container_table_add(containers, 77, "/x", &id, NULL, 1, &c), 0);
	return hash_open(&conf, &emit, containers, &hash);
}

static int teardown(void **state)
{
	hash_close(hash);
	container_table_free(containers);
	files_teardown();
	return fake_teardown(state);
}

/* An exec of this file, now, by a process that is there no more. */
static void exec_of(const char *name, uint64_t container)
{
	struct stat st = file_stat(name);
	struct record rec;

	RAW_BEGIN(&raw, EXEC, exec);
	raw.hdr.time_ns = emit_boot_ns();
	raw.hdr.task.tgid = 0x7fffffff;
	raw_path(&raw, &raw.exec.exe, file_path(name));
	raw.exec.exe.ino = st.st_ino;
	raw.exec.exe.dev = kernel_dev(&st);
	raw.exec.exe.size = st.st_size;
	raw.exec.exe.flags |= EV_FILE_HAS_INODE;
	/* In the sensor's own mount namespace. */
	assert_int_equal(stat("/proc/self/ns/mnt", &st), 0);
	raw.exec.ns.mnt = st.st_ino;
	raw.exec.ns.obtained = 1;
	assert_int_equal(record_check(&raw, raw_end(&raw), &rec), 0);
	hash_record(hash, &rec, container, "uid-1");
}

/* Waits for all answers; how many records came of them. */
static uint64_t said(void)
{
	static uint64_t before;
	uint64_t n;

	hash_finish(hash);
	n = emit.sequence - (before <= emit.sequence ? before : 0);
	before = emit.sequence;
	return n;
}

static void begin(void)
{
	said();
}

static const Varve__V1__FileHash *last(void)
{
	assert_string_equal(fake_last->kind, "FILE_HASH");
	return fake_last->file_hash;
}

static void says_it_once(void **state)
{
	uint64_t time_ns;
	int i;

	(void)state;
	begin();
	file_write("f", "abc", 3);
	exec_of("f", 77);
	time_ns = raw.hdr.time_ns;
	assert_int_equal(said(), 1);
	assert_string_equal(last()->sha256, ABC_HEX);
	assert_null(last()->reason);
	assert_string_equal(last()->file->path, file_path("f"));
	assert_int_equal(last()->file->inode, file_stat("f").st_ino);
	assert_int_equal(last()->file->size, 3);
	assert_string_equal(last()->event_kind, "EXEC");
	assert_int_equal(last()->event_boot_time_nano, time_ns);
	assert_string_equal(last()->process_uid, "uid-1");
	assert_false(last()->has_cached || last()->has_changed_after || last()->has_error_errno);
	assert_string_equal(fake_last->stream, ID);
	assert_null(fake_last->kernel_number);
	assert_null(fake_last->process);
	for (i = 0; i < 20; i++) {
		exec_of("f", 77);
		assert_int_equal(said(), 0);
	}
	exec_of("f", 0); /* the node is another place */
	assert_int_equal(said(), 1);
	assert_string_equal(fake_last->stream, "node");
	assert_true(last()->cached);
	assert_string_equal(last()->sha256, ABC_HEX);
}

static void says_what_is_different(void **state)
{
	(void)state;
	begin();
	file_write("f", "abc", 3);
	exec_of("f", 77);
	assert_int_equal(said(), 1);
	usleep(30000);
	file_write("f", "xyz", 3); /* the same inode, size and path */
	usleep(30000);
	exec_of("f", 77);
	assert_int_equal(said(), 1);
	assert_non_null(last()->sha256);
	assert_string_not_equal(last()->sha256, ABC_HEX);
	exec_of("f", 77);
	assert_int_equal(said(), 0);
}

static void says_why_not(void **state)
{
	struct hash_request *r = NULL;
	char large[1001] = "";

	(void)state;
	begin();
	file_write("large", large, sizeof(large));
	exec_of("large", 77);
	assert_int_equal(said(), 1);
	assert_string_equal(last()->reason, "too_large");
	assert_int_equal(last()->file->size, 1001);
	assert_null(last()->sha256);
	exec_of("large", 77);
	assert_int_equal(said(), 0);
	/* Cut below the limit it can be hashed; grown again it cannot: each is said. */
	assert_int_equal(truncate(file_path("large"), 10), 0);
	usleep(30000);
	exec_of("large", 77);
	assert_int_equal(said(), 1);
	assert_non_null(last()->sha256);
	assert_int_equal(truncate(file_path("large"), 5000), 0);
	exec_of("large", 77);
	assert_int_equal(said(), 1);
	assert_string_equal(last()->reason, "too_large");

	assert_int_equal(hash_request_new("/x", 2, &r), 0);
	r->err = EIO;
	r->file.flags = EV_FILE_HAS_PATH;
	assert_int_equal(emit_hash(hash, r, &r->first, HASH_UNREADABLE), 0);
	assert_string_equal(last()->reason, "unreadable");
	assert_int_equal(last()->error_errno, EIO);
	hash_request_free(r);
	said();
}

/* What the log does not take is said again. */
static void says_it_again_if_it_was_not_recorded(void **state)
{
	(void)state;
	begin();
	file_write("f", "abc", 3);
	fake_err = -ENOSPC;
	exec_of("f", 77);
	assert_int_equal(said(), 0);
	fake_err = 0;
	exec_of("f", 77);
	assert_int_equal(said(), 1);
}

static void says_nothing_after_the_account(void **state)
{
	(void)state;
	begin();
	file_write("f", "abc", 3);
	exec_of("f", 77);
	hash_container_gone(hash, 77);
	assert_false(hash_is_pending(hash, 77));
	assert_int_equal(said(), 1); /* the hash, or that it came too late */
	assert_true(last()->sha256 || !strcmp(last()->reason, "timed_out"));
	container_table_remove(containers, 77);
	exec_of("f", 77);
	assert_int_equal(said(), 0);
}

/* Records without a file, and files that the kernel side knows nothing of. */
static void minds_only_what_it_can(void **state)
{
	struct record rec;

	(void)state;
	begin();
	RAW_BEGIN(&raw, EXIT, exit);
	assert_int_equal(record_check(&raw, raw_end(&raw), &rec), 0);
	hash_record(hash, &rec, 77, "uid-1");
	RAW_BEGIN(&raw, EXEC, exec);
	assert_int_equal(record_check(&raw, raw_end(&raw), &rec), 0);
	hash_record(hash, &rec, 77, "uid-1");
	/* A bad reference is as good as none. */
	raw.exec.exe.flags = EV_FILE_HAS_INODE | EV_FILE_HAS_PATH;
	raw.exec.exe.path = (struct ev_ref){7, 1000000};
	hash_record(hash, &rec, 77, "uid-1");
	assert_int_equal(said(), 1);
	assert_string_equal(last()->reason, "gone");
}

static void is_nothing_when_off(void **state)
{
	struct hash *off = hash;
	struct record rec;

	(void)state;
	conf.hash = CONF_HASH_OFF;
	assert_int_equal(hash_open(&conf, &emit, containers, &off), 0);
	assert_null(off);
	RAW_BEGIN(&raw, EXEC, exec);
	assert_int_equal(record_check(&raw, raw_end(&raw), &rec), 0);
	hash_record(off, &rec, 77, "uid-1");
	hash_container(off, 77, "/b");
	hash_collect(off);
	assert_false(hash_is_pending(off, 77));
	hash_container_gone(off, 77);
	hash_finish(off);
	hash_close(off);
}

#define HASH_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HASH_TEST(says_it_once),
		HASH_TEST(says_what_is_different),
		HASH_TEST(says_why_not),
		HASH_TEST(says_it_again_if_it_was_not_recorded),
		HASH_TEST(says_nothing_after_the_account),
		HASH_TEST(minds_only_what_it_can),
		HASH_TEST(is_nothing_when_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
