/* SPDX-License-Identifier: Apache-2.0 */
/* When varve-kubewatch gives up on an address: what its rounds come to is made up here. */
#define main		  kubewatch_main
#define watch_new	  fake_new
#define watch_free	  fake_free
#define watch_round	  fake_round
#define client_is_by_name fake_is_by_name
#define usleep		  fake_usleep
#include "kubewatch/main.c"
#undef main

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int *rounds; /* ends with -EPIPE: the sensor has gone */
static size_t round_cnt;
static bool by_name;
static size_t answered_in = SIZE_MAX;

int fake_new(const struct watch_opts *opts, struct watch **ret_watch)
{
	(void)opts;
	*ret_watch = NULL;
	return 0;
}

void fake_free(struct watch *watch)
{
	(void)watch;
}

int fake_round(struct watch *watch, struct client *client, const char **ret_why)
{
	(void)watch;
	(void)client;
	*ret_why = "";
	if (round_cnt == answered_in)
		has_answered = true;
	return rounds[round_cnt++];
}

bool fake_is_by_name(const struct client *client)
{
	(void)client;
	return by_name;
}

int fake_usleep(useconds_t us)
{
	(void)us;
	return 0;
}

static void expect(const int *these, bool name, int err, size_t cnt)
{
	const struct watch_opts opts = {};

	rounds = these;
	round_cnt = 0;
	by_name = name;
	assert_int_equal(run(&opts, "https://api", NULL), err);
	assert_int_equal(round_cnt, cnt);
}

static void test_unreachable(void **state)
{
	static const int same[] = {-ECONNREFUSED, -ECONNREFUSED, -ECONNREFUSED, -ECONNREFUSED,
				   -EPIPE};
	static const int turns[] = {-ECONNREFUSED, -ETIMEDOUT, -ECONNREFUSED, -EBADMSG, -EPIPE};

	(void)state;
	expect(same, true, -ECONNREFUSED, 4);
	expect(turns, true, -EBADMSG, 4);
	/* An address stays what it is. */
	expect(same, false, -EPIPE, 5);
}

/* It answers, be it by a refusal. */
static void test_reachable(void **state)
{
	static const int between[] = {-ECONNREFUSED, -ETIMEDOUT, -ECONNREFUSED, 0,
				      -ETIMEDOUT,    -ETIMEDOUT, -ETIMEDOUT,	-EACCES,
				      -ETIMEDOUT,    -EPIPE};
	static const int broken[] = {-ECONNREFUSED, -ECONNREFUSED, -ECONNREFUSED,
				     -ECONNREFUSED, -ECONNREFUSED, -EPIPE};

	(void)state;
	expect(between, true, -EPIPE, ARRAY_SIZE(between));
	answered_in = 1; /* and then the connection breaks */
	expect(broken, true, -EPIPE, ARRAY_SIZE(broken));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
