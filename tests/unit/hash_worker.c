/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, comparing and reading files for their hash, and the bounds of it; with real files. */
#include "sensor/hash_worker.c"
#include "sensor/emit.h"
#include "sensor/hash_roots.h"
#include "sensor/hash_table.h"
#include "tests/unit/hash_files.h"
#include <sys/mount.h>
#include <sys/wait.h>

static struct hash_roots *roots;
static struct hash_worker *worker;
static const struct hash_limits usual = {
	.file_bytes = 1 << 20, .bytes_per_second = 64 << 20, .queue = 16};

static int setup(void **state)
{
	(void)state;
	return files_setup() ? -1 : hash_roots_new(2, &roots);
}

static int teardown(void **state)
{
	(void)state;
	if (worker)
		assert_true(hash_worker_stop(worker));
	worker = NULL;
	hash_roots_free(roots);
	files_teardown();
	return 0;
}

static void start(const struct hash_limits *limits)
{
	assert_int_equal(hash_worker_start(limits, roots, &worker), 0);
}

/* As for a file of the node that something ran just now. */
static struct hash_request *request_for(const char *name)
{
	const char *path = file_path(name);
	struct hash_request *r = NULL;
	struct stat st = {};

	stat(path, &st);
	assert_int_equal(hash_request_new(path, strlen(path), &r), 0);
	r->target = (struct hash_target){.ino = st.st_ino, .dev = kernel_dev(&st)};
	r->file.size = st.st_size;
	r->first.unix_ns = r->last.unix_ns = now_unix_ns();
	r->queued_ns = emit_boot_ns();
	return r;
}

static struct hash_request *answer(void)
{
	struct hash_request *r = NULL;
	int tries;

	for (tries = 0; !(r = hash_worker_take(worker)) && tries < 5000; tries++)
		usleep(1000);
	assert_non_null(r);
	assert_null(r->next);
	return r;
}

static struct hash_request *ask(struct hash_request *r)
{
	assert_true(hash_worker_put(worker, r));
	return answer();
}

static void expect_outcome(struct hash_request *r, enum hash_outcome want)
{
	assert_int_equal(r->outcome, want);
	hash_request_free(r);
}

static void expect_abc(struct hash_request *r, bool cached)
{
	assert_int_equal(r->outcome, HASH_DONE);
	assert_digest(r->digest, ABC_HEX);
	assert_int_equal(r->cached, cached);
	assert_int_equal(r->stat.size, 3);
	hash_request_free(r);
}

/* --- the table */

static void table_forgets_the_longest_unused(void **state)
{
	struct hash_table *t = NULL;
	struct hash_key key = {};
	uint64_t *value;

	(void)state;
	assert_int_equal(hash_table_new(100, sizeof(*value), &t), 0);
	for (key.word[0] = 0; key.word[0] < 1000; key.word[0]++) {
		struct hash_key first = {};

		value = hash_table_put(t, &key);
		assert_int_equal(*value, 0);
		*value = key.word[0] + 1;
		assert_non_null(hash_table_find(t, &first)); /* keeps it */
	}
	assert_int_equal(hash_table_count(t), 100);
	for (key.word[0] = 0; key.word[0] < 1000; key.word[0]++) {
		value = hash_table_find(t, &key);
		assert_int_equal(value != NULL, !key.word[0] || key.word[0] > 900);
		if (value)
			assert_int_equal(*value, key.word[0] + 1);
	}
	key = (struct hash_key){.word = {999, 0, 0, 1}}; /* each word counts */
	assert_null(hash_table_find(t, &key));
	hash_table_free(t);
	hash_table_free(NULL);
}

static void table_of_one(void **state)
{
	struct hash_table *t = NULL;
	struct hash_key a = {{1}}, b = {{2}};

	(void)state;
	assert_int_equal(hash_table_new(1, 1, &t), 0);
	*(char *)hash_table_put(t, &a) = 'a';
	*(char *)hash_table_put(t, &b) = 'b';
	assert_null(hash_table_find(t, &a));
	assert_int_equal(*(char *)hash_table_find(t, &b), 'b');
	assert_int_equal(*(char *)hash_table_put(t, &b), 'b');
	hash_table_free(t);
}

/* --- roots */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int open_dir(void)
{
	return open(files_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void roots_are_held_and_bounded(void **state)
{
	int fd[5], copy[HASH_ROOT_CNT], i;
	uint32_t pid;

	(void)state;
	for (i = 0; i < 5; i++)
		fd[i] = open_dir();
	hash_roots_hold(roots, 1, HASH_ROOT_PROCESS, fd[0], 10);
	hash_roots_hold(roots, 1, HASH_ROOT_BUNDLE, fd[1], 0);
	hash_roots_hold(roots, 2, HASH_ROOT_PROCESS, fd[2], 20);
	hash_roots_copy(roots, 1, copy, &pid);
	assert_int_equal(pid, 10);
	assert_true(is_open(copy[0]) && is_open(copy[1]) && copy[0] != fd[0]);
	close(copy[0]);
	close(copy[1]);
	hash_roots_hold(roots, 3, HASH_ROOT_PROCESS, fd[3], 30); /* for 2, unused longest */
	assert_false(is_open(fd[2]));
	assert_true(is_open(fd[0]));
	hash_roots_copy(roots, 2, copy, &pid);
	assert_true(copy[0] == -1 && copy[1] == -1 && !pid);
	hash_roots_hold(roots, 1, HASH_ROOT_PROCESS, fd[4], 11); /* another one */
	assert_false(is_open(fd[0]));
	hash_roots_drop(roots, 1, HASH_ROOT_PROCESS);
	assert_false(is_open(fd[4]));
	assert_false(hash_roots_has(roots, 1, HASH_ROOT_PROCESS));
	assert_true(hash_roots_has(roots, 1, HASH_ROOT_BUNDLE));
	hash_roots_forget(roots, 1);
	assert_false(is_open(fd[1]));
	hash_roots_forget(roots, 4);
	hash_roots_copy(roots, 0, copy, &pid); /* of no container */
	assert_true(copy[0] == -1 && copy[1] == -1);
	hash_roots_drop(roots, 0, HASH_ROOT_PROCESS);
	assert_true(is_open(STDIN_FILENO));
}

static void expect_bundle(const char *config, const char *name)
{
	_cleanup_close_ int fd = -1, file = -1;

	file_write("b/config.json", config, strlen(config));
	fd = hash_roots_open_bundle("", file_path("b"));
	if (fd < 0 && errno == EPERM)
		skip();
	assert_int_equal(fd >= 0, name != NULL);
	if (fd < 0)
		return;
	file = hash_open_below(fd, name);
	assert_true(file >= 0);
}

static void roots_from_a_bundle(void **state)
{
	char absolute[256];

	(void)state;
	assert_int_equal(mkdir(file_path("b"), 0755), 0);
	assert_int_equal(mkdir(file_path("b/rootfs"), 0755), 0);
	file_write("b/rootfs/f", "abc", 3);
	snprintf(absolute, sizeof(absolute), "{\"root\":{\"path\":\"%s\"}}", file_path("b/rootfs"));
	expect_bundle("{\"root\":{\"path\":\"rootfs\"}}", "/f");
	expect_bundle(absolute, "/f");
	expect_bundle("{\"root\":{\"path\":\"nowhere\"}}", NULL);
	expect_bundle("{\"root\":{\"path\":\"rootfs/f\"}}", NULL);
	expect_bundle("{\"root\":{\"path\":7}}", NULL);
	expect_bundle("{\"root\":", NULL);
	expect_bundle("[]", NULL);
	assert_int_equal(hash_roots_open_bundle("", "/nowhere"), -1);
}

/* The runtime's unmount is not hindered by what is held. */
static void roots_of_a_bundle_do_not_pin_its_mount(void **state)
{
	static const char config[] = "{\"root\":{\"path\":\"rootfs\"}}";
	_cleanup_close_ int fd = -1, file = -1;

	(void)state;
	assert_int_equal(mkdir(file_path("b"), 0755), 0);
	assert_int_equal(mkdir(file_path("b/rootfs"), 0755), 0);
	file_write("b/config.json", config, strlen(config));
	if (mount("none", file_path("b/rootfs"), "tmpfs", 0, NULL))
		skip();
	file_write("b/rootfs/f", "abc", 3);
	fd = hash_roots_open_bundle("", file_path("b"));
	assert_int_equal(umount(file_path("b/rootfs")), 0);
	assert_true(fd >= 0);
	file = hash_open_below(fd, "/f");
	assert_true(file >= 0);
}

/* --- one file */

static void file_times(void **state)
{
	struct hash_stat st = {.ctime_ns = 5 * NSEC_PER_SEC, .mtime_ns = 3 * NSEC_PER_SEC};

	(void)state;
	assert_true(hash_is_unchanged(&st, 5 * NSEC_PER_SEC, false));
	assert_true(hash_is_unchanged(&st, 9 * NSEC_PER_SEC, false));
	assert_false(hash_is_unchanged(&st, 4 * NSEC_PER_SEC, false));
	assert_true(hash_is_unchanged(&st, 4 * NSEC_PER_SEC, true)); /* of names alone */
	assert_false(hash_is_unchanged(&st, 2 * NSEC_PER_SEC, true));
}

static enum hash_outcome read_with(const char *name, struct hash_stat st, bool stopped,
				   int *ret_err)
{
	_cleanup_close_ int fd = open(file_path(name), O_PATH | O_CLOEXEC);
	uint8_t digest[HASH_LEN];
	atomic_ullong alive = 0;
	struct hash_stat after;
	atomic_bool stop;

	atomic_init(&stop, stopped);
	return hash_read(fd, &st, &stop, &alive, digest, &after, ret_err);
}

static struct hash_stat stat_of_file(const char *name)
{
	struct stat st = file_stat(name);

	return (struct hash_stat){st.st_ctim.tv_sec * (int64_t)NSEC_PER_SEC + st.st_ctim.tv_nsec,
				  st.st_mtim.tv_sec * (int64_t)NSEC_PER_SEC + st.st_mtim.tv_nsec,
				  st.st_size};
}

static void file_that_changes_while_it_is_read(void **state)
{
	struct hash_stat st;
	int err;

	(void)state;
	file_write("f", "abc", 3);
	st = stat_of_file("f");
	assert_int_equal(read_with("f", st, false, &err), HASH_DONE);
	assert_int_equal(read_with("f", st, true, &err), HASH_RUN_ENDED);
	st.size = 2; /* it grew */
	assert_int_equal(read_with("f", st, false, &err), HASH_CHANGED);
	st.size = 4; /* it was cut */
	assert_int_equal(read_with("f", st, false, &err), HASH_CHANGED);
	st.size = 3;
	st.ctime_ns--; /* it was written to */
	assert_int_equal(read_with("f", st, false, &err), HASH_CHANGED);
	assert_int_equal(read_with(".", st, false, &err), HASH_UNREADABLE);
	assert_int_equal(err, EISDIR);
}

static void file_that_is_renamed_while_it_is_read(void **state)
{
	_cleanup_close_ int fd = -1;
	struct hash_stat st, after;
	uint8_t digest[HASH_LEN];
	atomic_ullong alive = 0;
	atomic_bool stop = false;
	int err;

	(void)state;
	file_write("f", "abc", 3);
	st = stat_of_file("f");
	usleep(30000);
	assert_int_equal(link(file_path("f"), file_path("g")), 0);
	fd = open(file_path("f"), O_PATH | O_CLOEXEC);
	assert_int_equal(hash_read(fd, &st, &stop, &alive, digest, &after, &err), HASH_CHANGED);
	assert_true(hash_is_same_content(&st, &after));
	assert_true(after.ctime_ns > st.ctime_ns);
	st = after;
	assert_int_equal(hash_read(fd, &st, &stop, &alive, digest, &after, &err), HASH_DONE);
	assert_memory_equal(digest, "\xba\x78\x16\xbf", 4);
	usleep(30000);
	file_write("f", "abd", 3);
	assert_int_equal(hash_read(fd, &st, &stop, &alive, digest, &after, &err), HASH_CHANGED);
	assert_false(hash_is_same_content(&st, &after));
}

static void file_below_a_root(void **state)
{
	_cleanup_close_ int root = open_dir(), last = -1;
	struct stat st;

	(void)state;
	file_write("f", "abc", 3);
	assert_int_equal(mkdir(file_path("d"), 0755), 0);
	assert_int_equal(symlink("f", file_path("last")), 0);
	assert_int_equal(symlink("/", file_path("up")), 0);
	close(hash_open_below(root, "/f"));
	close(hash_open_below(root, "/../../f")); /* no way out */
	assert_int_equal(hash_open_below(root, "/up/f"), -1);
	assert_int_equal(errno, ELOOP);
	last = hash_open_below(root, "/last"); /* the link itself, which is no regular file */
	assert_int_equal(fstat(last, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(hash_open_below(root, "/d/f"), -1);
	assert_int_equal(hash_open_below(root, "/../etc/passwd"), -1);
}

static void process_of_a_pid(void **state)
{
	int dir;

	(void)state;
	dir = hash_open_process(getpid(), own_start_ns());
	assert_true(dir >= 0);
	close(dir);
	assert_int_equal(hash_open_process(getpid(), own_start_ns() + NSEC_PER_SEC), -1);
	assert_int_equal(hash_open_process(0x7fffffff, 0), -1);
}

/* --- the worker */

static void worker_hashes_and_caches(void **state)
{
	(void)state;
	start(&usual);
	file_write("f", "abc", 3);
	expect_abc(ask(request_for("f")), false);
	expect_abc(ask(request_for("f")), true);
	usleep(30000);
	file_write("f", "abd", 3); /* the same inode and size */
	usleep(30000);
	{
		struct hash_request *r = ask(request_for("f"));

		assert_int_equal(r->outcome, HASH_DONE);
		assert_false(r->cached);
		assert_digest(r->digest,
			      "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9");
		hash_request_free(r);
	}
}

static void worker_takes_no_other_file(void **state)
{
	struct hash_request *r;

	(void)state;
	start(&usual);
	file_write("f", "abc", 3);
	r = request_for("f");
	r->target.ino++;
	expect_outcome(ask(r), HASH_CHANGED);
	r = request_for("f");
	r->target.dev++;
	r = ask(r);
	assert_int_equal(r->outcome, HASH_CHANGED);
	hash_request_free(r);
	expect_outcome(ask(request_for("nothing")), HASH_GONE);
	assert_int_equal(mkfifo(file_path("fifo"), 0600), 0); /* does not wait for a writer */
	expect_outcome(ask(request_for("fifo")), HASH_CHANGED);
	r = request_for("f");
	r->first.unix_ns = r->last.unix_ns -= NSEC_PER_SEC; /* before it was written */
	expect_outcome(ask(r), HASH_CHANGED);
	r = request_for("f");
	r->container = 7; /* whose root nobody has */
	expect_outcome(ask(r), HASH_GONE);
}

static void worker_looks_below_a_held_root(void **state)
{
	struct hash_request *r, *copy = NULL;

	(void)state;
	start(&usual);
	file_write("f", "abc", 3);
	hash_roots_hold(roots, 7, HASH_ROOT_PROCESS, open_dir(), 0);
	r = request_for("f");
	assert_int_equal(hash_request_new("/f", 2, &copy), 0);
	copy->container = 7;
	copy->target = r->target;
	copy->first = copy->last = r->first;
	copy->queued_ns = r->queued_ns;
	hash_request_free(r);
	expect_abc(ask(copy), false);
	assert_true(hash_roots_has(roots, 7, HASH_ROOT_PROCESS));
	/* A root that does not have it may be the wrong one. */
	r = request_for("nothing");
	r->container = 7;
	expect_outcome(ask(r), HASH_GONE);
	assert_false(hash_roots_has(roots, 7, HASH_ROOT_PROCESS));
}

/* What a process runs is found without a name. */
static void worker_asks_the_process(void **state)
{
	struct hash_request *r = NULL, *by_path = NULL;
	char exe[4096] = "";
	struct stat st;

	(void)state;
	start(&(struct hash_limits){64 << 20, 64 << 20, 4});
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_int_equal(stat(exe, &st), 0);
	assert_int_equal(hash_request_new("", 0, &r), 0);
	r->target = (struct hash_target){.ino = st.st_ino, .dev = kernel_dev(&st)};
	r->is_exe = true;
	r->last.pid = getpid();
	r->last.start_ns = own_start_ns();
	r->first.unix_ns = r->last.unix_ns = now_unix_ns();
	r->queued_ns = emit_boot_ns();
	assert_int_equal(hash_request_new(exe, strlen(exe), &by_path), 0);
	by_path->target = r->target;
	by_path->first = by_path->last = r->first;
	by_path->queued_ns = r->queued_ns;
	r = ask(r);
	assert_int_equal(r->outcome, HASH_DONE);
	assert_true(r->held);
	by_path = ask(by_path);
	assert_int_equal(by_path->outcome, HASH_DONE);
	assert_false(by_path->held);
	assert_memory_equal(r->digest, by_path->digest, HASH_LEN);
	hash_request_free(r);
	hash_request_free(by_path);
}

static void worker_minds_size_and_rate(void **state)
{
	(void)state;
	start(&(struct hash_limits){
		.file_bytes = 4 << 20, .bytes_per_second = 1 << 20, .queue = 4});
	file_sparse("large", (4 << 20) + 1);
	expect_outcome(ask(request_for("large")), HASH_TOO_LARGE);
	file_sparse("four", 4 << 20);
	expect_outcome(ask(request_for("four")), HASH_DONE); /* in advance: three seconds' worth */
	file_write("f", "abc", 3);
	expect_outcome(ask(request_for("f")), HASH_RATE_LIMITED);
	expect_outcome(ask(request_for("four")), HASH_DONE); /* known: costs nothing */
}

/* Given another name meanwhile, a file is read again, and not told as one that had to wait. */
static void worker_reads_again(void **state)
{
	_cleanup_close_ int fd = -1;
	struct hash_request *r;

	(void)state;
	start(&(struct hash_limits){
		.file_bytes = 4 << 20, .bytes_per_second = 1 << 20, .queue = 4});
	file_sparse("four", 4 << 20);
	r = request_for("four");
	r->held = true;
	r->stat = stat_of_file("four");
	r->stat.ctime_ns--;
	fd = open(file_path("four"), O_PATH | O_CLOEXEC);
	assert_int_equal(read_settled(worker, r, fd), HASH_DONE);
	hash_request_free(r);
}

/* The worker waits for the rate, and others wait for it. */
static void begin_waiting(void)
{
	start(&(struct hash_limits){
		.file_bytes = 4 << 20, .bytes_per_second = 1 << 20, .queue = 3});
	file_sparse("two", 5 << 19);
	expect_outcome(ask(request_for("two")), HASH_DONE);
	file_write("a", "abc", 3);
	file_write("b", "abc", 3);
	file_write("c", "abc", 3);
	file_write("d", "abc", 3);
	file_write("e", "abc", 3);
	assert_true(hash_worker_put(worker, request_for("a")));
	while (hash_worker_backlog(worker))
		usleep(1000);
}

static void worker_has_a_bounded_queue(void **state)
{
	struct hash_request *r, *list;
	struct hash_source second;
	uint64_t eight = 8;

	(void)state;
	begin_waiting();
	assert_true(hash_worker_put(worker, request_for("b")));
	r = request_for("c");
	r->container = 8;
	assert_true(hash_worker_put(worker, r));
	assert_true(hash_worker_put(worker, request_for("d")));
	r = request_for("e");
	assert_false(hash_worker_put(worker, r));
	hash_request_free(r);
	r = request_for("b"); /* is there: no place is needed */
	second = r->last;
	assert_true(hash_worker_put(worker, r));
	assert_int_equal(hash_worker_backlog(worker), 3);
	assert_true(hash_worker_is_pending(worker, &eight));
	list = hash_worker_give_up(worker, &eight, HASH_TIMED_OUT);
	assert_non_null(list);
	assert_null(list->next);
	assert_int_equal(list->container, 8);
	expect_outcome(list, HASH_TIMED_OUT);
	assert_false(hash_worker_is_pending(worker, &eight));
	assert_int_equal(hash_worker_backlog(worker), 2);
	/* What is being worked on, then what waits. */
	list = hash_worker_give_up(worker, NULL, HASH_RUN_ENDED);
	assert_string_equal(list->path, file_path("a"));
	assert_string_equal(list->next->path, file_path("b"));
	assert_int_equal(list->next->last.unix_ns, second.unix_ns);
	assert_true(list->next->first.unix_ns < second.unix_ns);
	assert_string_equal(list->next->next->path, file_path("d"));
	assert_null(list->next->next->next);
	expect_outcome(list->next->next, HASH_RUN_ENDED);
	expect_outcome(list->next, HASH_RUN_ENDED);
	expect_outcome(list, HASH_RUN_ENDED);
	assert_false(hash_worker_is_pending(worker, NULL));
	assert_false(hash_worker_is_stuck(worker, emit_boot_ns()));
	assert_true(hash_worker_is_stuck(worker, emit_boot_ns() + 2 * HASH_STUCK_NS));
}

/* In the middle of its wait, and with others waiting. */
static void worker_stops_at_once(void **state)
{
	uint64_t before;

	(void)state;
	begin_waiting();
	assert_true(hash_worker_put(worker, request_for("b")));
	before = emit_boot_ns();
	assert_true(hash_worker_stop(worker));
	worker = NULL;
	assert_true(emit_boot_ns() - before < NSEC_PER_SEC / 2);
}

#define HASH_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HASH_TEST(table_forgets_the_longest_unused),
		HASH_TEST(table_of_one),
		HASH_TEST(roots_are_held_and_bounded),
		HASH_TEST(roots_from_a_bundle),
		HASH_TEST(roots_of_a_bundle_do_not_pin_its_mount),
		HASH_TEST(file_times),
		HASH_TEST(file_that_changes_while_it_is_read),
		HASH_TEST(file_that_is_renamed_while_it_is_read),
		HASH_TEST(file_below_a_root),
		HASH_TEST(process_of_a_pid),
		HASH_TEST(worker_hashes_and_caches),
		HASH_TEST(worker_takes_no_other_file),
		HASH_TEST(worker_looks_below_a_held_root),
		HASH_TEST(worker_asks_the_process),
		HASH_TEST(worker_minds_size_and_rate),
		HASH_TEST(worker_reads_again),
		HASH_TEST(worker_has_a_bounded_queue),
		HASH_TEST(worker_stops_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
