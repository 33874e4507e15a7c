/* SPDX-License-Identifier: Apache-2.0 */
/* Threads give up what they do not need; each case in a process of its own, as it is for good. */
#include "sensor/privileges.h"

#include "evidence/base.h"
#include "sensor/conf.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define BIT(cap) (1ULL << (cap))

/* Exit status of fn in a child; 77: this user has nothing to give up. */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (!pid)
		_exit(privileges_effective() & BIT(CAP_SYS_PTRACE) ? fn() : 77);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_in_child(int (*fn)(void))
{
	int status = in_child(fn);

	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

static int keep_one(void)
{
	struct conf conf = {.drop_privileges = 1};

	if (privileges_begin(&conf) || privileges_keep(BIT(CAP_SYS_PTRACE)))
		return 1;
	if (privileges_effective() != BIT(CAP_SYS_PTRACE))
		return 2;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
		return 3;
	/* For good; and what was not there does not come. */
	return privileges_keep(~0ULL) || privileges_effective() != BIT(CAP_SYS_PTRACE);
}

static void keeps_what_is_said_and_no_more(void **state)
{
	(void)state;
	assert_in_child(keep_one);
}

static int keep_all(void)
{
	struct conf conf = {.drop_privileges = 0};
	uint64_t before = privileges_effective();

	return privileges_begin(&conf) || privileges_keep(0) || privileges_effective() != before ||
	       prctl(PR_GET_DUMPABLE) != 1;
}

static void leaves_all_if_it_is_off(void **state)
{
	(void)state;
	assert_in_child(keep_all);
}

static void *drop_all(void *ctx)
{
	(void)ctx;
	return privileges_keep(0) || privileges_effective() ? (void *)1 : NULL;
}

static int drop_in_thread(void)
{
	struct conf conf = {.drop_privileges = 1};
	uint64_t before = privileges_effective();
	void *failed = (void *)1;
	pthread_t thread;

	if (privileges_begin(&conf) || pthread_create(&thread, NULL, drop_all, NULL))
		return 1;
	pthread_join(thread, &failed);
	return failed || privileges_effective() != before;
}

static void is_of_one_thread(void **state)
{
	(void)state;
	assert_in_child(drop_in_thread);
}

static void loop_keeps_what_the_configuration_needs(void **state)
{
	char dir[] = "/tmp/varve-privileges-XXXXXX";
	struct conf conf = {.kube_api = "off", .hash = CONF_HASH_OFF, .log_dir = dir};
	uint64_t plain;

	(void)state;
	assert_non_null(mkdtemp(dir));
	plain = privileges_of_loop(&conf);
	assert_int_equal(plain, BIT(CAP_BPF) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE));
	conf.hash = CONF_HASH_ON;
	assert_int_equal(privileges_of_loop(&conf), plain | BIT(CAP_SYS_ADMIN));
	conf.kube_api = "in-cluster";
	assert_true(privileges_of_loop(&conf) & BIT(CAP_SETUID));
	/* Whoever may not write there by being its owner. */
	chmod(dir, 0500);
	assert_true(privileges_of_loop(&conf) & BIT(CAP_DAC_OVERRIDE));
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_said_and_no_more),
		cmocka_unit_test(leaves_all_if_it_is_off),
		cmocka_unit_test(is_of_one_thread),
		cmocka_unit_test(loop_keeps_what_the_configuration_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
