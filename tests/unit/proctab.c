/* SPDX-License-Identifier: Apache-2.0 */
/* The process table: who is remembered, for how long, and what is inherited. */
#include "sensor/proctab.c"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define BOOT_ID "3f2a9c1e-5b7d-4e80-a1c2-d3e4f5061728"
#define LIMIT	8
#define S	NSEC_PER_SEC

static int setup(void **state)
{
	return proctab_new(BOOT_ID, LIMIT, (struct proctab **)state);
}

static int teardown(void **state)
{
	proctab_free(*state);
	return 0;
}

/* A process that started at the second of its pid. */
static struct process *get(struct proctab *t, uint32_t pid, uint32_t parent, uint64_t now_ns)
{
	return proctab_get(t, pid, pid * S, parent, parent * S, now_ns);
}

static struct process *find(struct proctab *t, uint32_t pid)
{
	return proctab_find(t, pid, pid * S);
}

static void exec(struct proctab *t, struct process *p, const char *exe, const char *args,
		 size_t args_len)
{
	proctab_exec(t, p, exe, strlen(exe), args, args_len);
	p->tracked = true;
}

static void expect_image(const struct process *p, const char *exe, const char *cmd_line)
{
	assert_non_null(p->image);
	assert_int_equal(p->image->exe_len, strlen(exe));
	assert_memory_equal(p->image->data, exe, strlen(exe));
	assert_int_equal(p->image->cmd_len, strlen(cmd_line));
	assert_memory_equal(p->image->data + strlen(exe), cmd_line, strlen(cmd_line));
}

/*
 * Known answers, made with Python's hashlib by the rule in varve.proto: SHA-256 of boot id, pid (4
 * bytes, little endian) and start (8 bytes, little endian), first 16 bytes, version 8, RFC 9562's
 * variant.
 */
static void test_uid(void **state)
{
	struct proctab *zero = NULL;
	char uid[UUID_LEN + 1];

	proctab_uid(*state, 4333, 3792481321101, uid);
	assert_string_equal(uid, "2e27a9e9-dda8-8332-9a5e-070257b6a811");
	assert_int_equal(proctab_new("00000000-0000-0000-0000-000000000000", 1, &zero), 0);
	proctab_uid(zero, 1, 0, uid);
	assert_string_equal(uid, "94676a27-20a4-8785-97b8-35f14f348a98");
	proctab_free(zero);
	assert_string_equal(proctab_get(*state, 4333, 3792481321101, 0, 0, 0)->uid,
			    "2e27a9e9-dda8-8332-9a5e-070257b6a811");
}

static void test_a_boot_id_that_is_none(void **state)
{
	static const char *const ids[] = {"", "3", "zz", "3f2a9c1e-",
					  "3f2a9c1e-5b7d-4e80-a1c2-d3e4f506172"};
	struct proctab *t = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		char *copy = strdup(ids[i]); /* the sanitizer watches its end */

		assert_int_equal(proctab_new(copy, 1, &t), 0);
		proctab_free(t);
		free(copy);
	}
}

static void test_fork_exec(void **state)
{
	struct proctab *t = *state;
	struct process *parent = get(t, 10, 1, S), *child;

	assert_int_equal(proctab_count(t), 2); /* with its parent, as a stub */
	assert_true(find(t, 1)->stub);
	assert_false(parent->stub);
	exec(t, parent, "/bin/sh", "sh\0-c\0x", 7);
	expect_image(parent, "/bin/sh", "sh -c x");
	parent->in_container_image = true;
	child = get(t, 11, 10, S);
	assert_null(child->image);
	proctab_fork(t, child);
	assert_ptr_equal(child->image, parent->image);
	assert_true(child->in_container_image);
	exec(t, parent, "/bin/other", "o\0", 2);
	expect_image(child, "/bin/sh", "sh -c x");
	expect_image(parent, "/bin/other", "o");
	exec(t, child, "/bin/true", "", 0);
	expect_image(child, "/bin/true", "");
	assert_string_equal(child->uid, get(t, 11, 10, S)->uid);
}

/* A parent whose execs are not seen may run something else by now: nothing is guessed. */
static void test_fork_of_the_untracked(void **state)
{
	struct proctab *t = *state;
	struct process *parent = get(t, 10, 1, S), *child;

	proctab_exec(t, parent, "/bin/sh", 7, "", 0);
	child = get(t, 11, 10, S);
	proctab_fork(t, child);
	assert_null(child->image);
	assert_false(child->tracked);
	child = get(t, 12, 99, S);
	proctab_fork(t, child);
	assert_null(child->image);
}

static void test_command_line_is_bounded(void **state)
{
	struct proctab *t = *state;
	struct process *p = get(t, 10, 0, S);
	char args[4096];

	memset(args, 'a', sizeof(args));
	exec(t, p, "/x", args, sizeof(args));
	assert_int_equal(p->image->cmd_len, PROCTAB_CMD_LINE_MAX);
	exec(t, p, "/x", args, PROCTAB_CMD_LINE_MAX);
	assert_int_equal(p->image->cmd_len, PROCTAB_CMD_LINE_MAX);
	args[PROCTAB_CMD_LINE_MAX] = '\0';
	exec(t, p, "/x", args, PROCTAB_CMD_LINE_MAX + 1);
	assert_int_equal(p->image->cmd_len, PROCTAB_CMD_LINE_MAX);
	exec(t, p, "", "\0\0", 2); /* two empty arguments */
	expect_image(p, "", " ");
}

static void test_grace(void **state)
{
	struct proctab *t = *state;
	struct process *p = get(t, 10, 0, 100 * S);

	proctab_exit(t, p, 100 * S);
	proctab_expire(t, 100 * S + GRACE_NS - 1);
	assert_non_null(find(t, 10));
	proctab_expire(t, 100 * S + GRACE_NS);
	assert_null(find(t, 10));
	assert_int_equal(proctab_count(t), 0);
	proctab_expire(t, 0);
	proctab_expire(t, UINT64_MAX);
}

static void test_the_living_do_not_expire(void **state)
{
	struct proctab *t = *state;

	get(t, 10, 0, S);
	proctab_expire(t, 1000000 * S);
	assert_non_null(find(t, 10));
}

static void test_child_keeps_its_dead_parent(void **state)
{
	struct proctab *t = *state;
	struct process *parent = get(t, 10, 0, S), *child = get(t, 11, 10, S);

	proctab_exit(t, parent, 100 * S);
	for (int i = 1; i < 10; i++)
		proctab_expire(t, 100 * S + i * GRACE_NS);
	assert_non_null(find(t, 10));
	proctab_exit(t, child, 1000 * S);
	proctab_expire(t, 1000 * S + GRACE_NS);
	assert_null(find(t, 11));
	proctab_expire(t, 1000 * S + 3 * GRACE_NS);
	assert_null(find(t, 10));
	assert_int_equal(proctab_count(t), 0);
}

static void test_exit_twice(void **state)
{
	struct proctab *t = *state;
	struct process *p = get(t, 10, 0, S);

	proctab_exit(t, p, 100 * S);
	proctab_exit(t, p, 200 * S);
	proctab_expire(t, 100 * S + GRACE_NS);
	assert_int_equal(proctab_count(t), 0);
}

static void test_a_stub_turns_out_to_live(void **state)
{
	struct proctab *t = *state;
	struct process *p;

	get(t, 11, 10, S);
	p = find(t, 10);
	assert_true(p->stub);
	assert_ptr_equal(get(t, 10, 1, 2 * S), p);
	assert_false(p->stub);
	assert_int_equal(p->parent_pid, 1);
	proctab_exit(t, find(t, 11), 3 * S);
	proctab_expire(t, 1000 * S); /* the child goes, the living one does not */
	proctab_expire(t, 2000 * S);
	assert_null(find(t, 11));
	assert_ptr_equal(find(t, 10), p);
	proctab_exit(t, p, 3000 * S);
	proctab_expire(t, 3000 * S + GRACE_NS - 1);
	assert_non_null(find(t, 10));
	proctab_expire(t, 3000 * S + GRACE_NS);
	assert_null(find(t, 10));
	proctab_expire(t, 4000 * S);
	assert_int_equal(proctab_count(t), 0);
}

static void test_a_stub_goes_with_its_children(void **state)
{
	struct proctab *t = *state;

	get(t, 11, 10, S);
	proctab_exit(t, find(t, 11), 100 * S);
	proctab_expire(t, 1000 * S);
	proctab_expire(t, 2000 * S);
	assert_int_equal(proctab_count(t), 0);
}

static void test_a_pid_used_again(void **state)
{
	struct proctab *t = *state;
	struct process *a = proctab_get(t, 10, 5 * S, 0, 0, S),
		       *b = proctab_get(t, 10, 6 * S, 0, 0, S);

	assert_ptr_not_equal(a, b);
	assert_string_not_equal(a->uid, b->uid);
	exec(t, a, "/bin/a", "", 0);
	assert_null(b->image);
	proctab_exit(t, a, 10 * S);
	proctab_expire(t, 1000 * S);
	assert_null(proctab_find(t, 10, 5 * S));
	assert_ptr_equal(proctab_find(t, 10, 6 * S), b);
}

static void test_limit(void **state)
{
	struct proctab *t = *state;

	for (uint32_t pid = 1; pid <= LIMIT; pid++)
		assert_non_null(get(t, pid, 0, S));
	assert_null(get(t, 100, 0, S));
	assert_null(get(t, 100, 101, S));
	assert_int_equal(proctab_count(t), LIMIT);
	assert_true(proctab_cost(t).refused >= 2);
	assert_int_equal(find(t, 1)->child_cnt, 0);
	assert_int_equal(proctab_cost(t).evicted, 0);
	/* The longest dead makes room, before its grace is over. */
	proctab_exit(t, find(t, 3), 10 * S);
	assert_non_null(get(t, 100, 1, 11 * S));
	assert_null(find(t, 3));
	assert_int_equal(proctab_cost(t).evicted, 1);
	assert_int_equal(proctab_count(t), LIMIT);
	assert_int_equal(find(t, 1)->child_cnt, 1);
}

/* The parent is dead and goes first at the limit, but not while its child is being added. */
static void test_limit_spares_the_parent(void **state)
{
	struct proctab *t = *state;

	for (uint32_t pid = 1; pid <= LIMIT; pid++)
		get(t, pid, 0, S);
	proctab_exit(t, find(t, 1), 10 * S);
	proctab_exit(t, find(t, 2), 11 * S);
	assert_non_null(get(t, 100, 1, 12 * S));
	assert_non_null(find(t, 1));
	assert_null(find(t, 2));
}

/* A stub without children shows itself, and its own parent has to be added: room is not made of it.
 */
static void test_limit_spares_a_stub_that_shows_itself(void **state)
{
	struct proctab *t = *state;
	struct process *p;

	get(t, 11, 10, S);
	proctab_exit(t, find(t, 11), 2 * S);
	proctab_expire(t, 2 * S + GRACE_NS);
	assert_null(find(t, 11));
	for (uint32_t pid = 20; proctab_count(t) < LIMIT; pid++)
		get(t, pid, 0, S);
	p = find(t, 10);
	assert_non_null(p);
	assert_true(p->stub);
	assert_int_equal(p->child_cnt, 0);
	p = get(t, 10, 5, 3 * S);
	assert_ptr_equal(p, find(t, 10));
	assert_false(p->stub);
	assert_int_equal(p->pid, 10);
}

/* Random life: the table stays within its limit, and is empty when all have died. */
static void test_random_life(void **state)
{
	struct proctab *t = *state;
	uint64_t now = 1000 * S;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		uint32_t pid = 1 + rand() % 24, parent = rand() % 24;
		struct process *p;

		now += S / 2;
		p = rand() % 3 ? get(t, pid, parent == pid ? 0 : parent, now) : find(t, pid);
		assert_true(proctab_count(t) <= LIMIT);
		if (p && !p->stub && !(rand() % 3))
			proctab_exit(t, p, now);
		else if (p && !p->stub && !(rand() % 4))
			exec(t, p, "/bin/x", "x\0y\0", 4);
		else if (p && !p->stub)
			proctab_fork(t, p);
		proctab_expire(t, now);
	}
	for (uint32_t pid = 1; pid <= 24; pid++) {
		if (find(t, pid) && !find(t, pid)->stub)
			proctab_exit(t, find(t, pid), now);
	}
	for (int i = 0; i < 64; i++)
		proctab_expire(t, now += GRACE_NS);
	/* Who is each other's parent (no kernel says so) may keep each other; the limit holds. */
	assert_true(proctab_count(t) <= LIMIT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_uid),
		T(test_a_boot_id_that_is_none),
		T(test_fork_exec),
		T(test_fork_of_the_untracked),
		T(test_command_line_is_bounded),
		T(test_grace),
		T(test_the_living_do_not_expire),
		T(test_child_keeps_its_dead_parent),
		T(test_exit_twice),
		T(test_a_stub_turns_out_to_live),
		T(test_a_stub_goes_with_its_children),
		T(test_a_pid_used_again),
		T(test_limit),
		T(test_limit_spares_the_parent),
		T(test_limit_spares_a_stub_that_shows_itself),
		T(test_random_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
