/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused as a directory of pins, without a BPF file system; tests/e2e/pin_dir.sh has one.
 */
#include "sensor/pin.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
	char work[32], dir[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->work, "/tmp/varve-pin.XXXXXX");
	assert_non_null(mkdtemp(f->work));
	snprintf(f->dir, sizeof(f->dir), "%s/varve", f->work);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rmdir(f->dir);
	assert_int_equal(rmdir(f->work), 0);
	free(f);
	return 0;
}

static void no_bpffs_leaves_what_was_there(void **state)
{
	const struct fixture *f = *state;
	struct pin *p;

	assert_int_equal(pin_open(f->dir, &p), -ENOTDIR);
	assert_int_equal(access(f->dir, F_OK), -1); /* it was made */
	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(pin_open(f->dir, &p), -ENOTDIR);
	assert_int_equal(access(f->dir, F_OK), 0);
	assert_int_equal(pin_remove(f->dir), -ENOTDIR);
	assert_int_equal(access(f->dir, F_OK), 0);
	assert_int_equal(rmdir(f->dir), 0);
	assert_int_equal(pin_remove(f->dir), -ENOENT);
}

static int owner_of(const char *dir, mode_t mode)
{
	struct pin p = {.dir = (char *)dir, .dir_fd = open(dir, O_RDONLY | O_DIRECTORY)};
	int err;

	assert_int_equal(fchmod(p.dir_fd, mode), 0);
	err = check_owner(&p);
	close(p.dir_fd);
	return err;
}

static void others_cannot_change_it(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(owner_of(f->dir, 0700), 0);
	assert_int_equal(owner_of(f->dir, 0755), 0);
	assert_int_equal(owner_of(f->dir, 0770), -EPERM);
	assert_int_equal(owner_of(f->dir, 0702), -EPERM);
	assert_int_equal(owner_of(f->dir, 01777), -EPERM);
	if (geteuid() || chown(f->dir, 65534, -1))
		return;
	assert_int_equal(owner_of(f->dir, 0700), -EPERM);
}

static void generations_are_numbers(void **state)
{
	(void)state;
	assert_int_equal(generation_of("1"), 1);
	assert_int_equal(generation_of("4294967295"), UINT32_MAX);
	assert_int_equal(generation_of("4294967296"), 0);
	assert_int_equal(generation_of("maps"), 0);
	assert_int_equal(generation_of("7x"), 0);
	assert_int_equal(generation_of("-1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_bpffs_leaves_what_was_there, setup, teardown),
		cmocka_unit_test_setup_teardown(others_cannot_change_it, setup, teardown),
		cmocka_unit_test(generations_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
