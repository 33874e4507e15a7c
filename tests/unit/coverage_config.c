/* SPDX-License-Identifier: Apache-2.0 */
/* varve coverage: when a sensor was configured otherwise. */
#include "responder/coverage.h"
#include "evidence/base.h"
#include "responder/options.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000000LL
#define FIRST  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define RUN    "00000000-0000-4000-8000-000000000001"

/* COVERAGEs of one node, a second apart, with these digests; what is said of them. */
static int say(bool as_json, const char *const *digests, char **ret_text)
{
	struct options opts = {
		.source = "x", .as_json = as_json, .silent_heartbeats = 3, .now_ns = 5 * SECOND};
	struct coverage *c = coverage_new(&opts);
	size_t len;
	FILE *out = open_memstream(ret_text, &len);
	int status;

	for (size_t i = 0; digests[i]; i++) {
		Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
		Varve__V1__Coverage body = VARVE__V1__COVERAGE__INIT;

		ev.node_name = "node";
		ev.run_id = RUN;
		ev.sequence = i + 1;
		ev.time_unix_nano = (int64_t)i * SECOND;
		ev.body_case = VARVE__V1__EVENT__BODY_COVERAGE;
		ev.coverage = &body;
		body.config_sha256 = *digests[i] ? (char *)digests[i] : NULL;
		coverage_take(c, &ev, 0);
	}
	status = coverage_print(c, out);
	fclose(out);
	coverage_free(c);
	return status;
}
#define SAY(as_json, text, ...) say(as_json, (const char *const[]){__VA_ARGS__, NULL}, text)

static void says_when_it_was_configured_otherwise(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(SAY(false, &text, FIRST, FIRST, OTHER, OTHER), 0);
	assert_non_null(strstr(text, "  config       " OTHER "\n"));
	assert_non_null(strstr(text, ":02"));
	assert_non_null(strstr(text, ": otherwise, from aaaaaaaaaaaaaaaa to bbbbbbbbbbbbbbbb\n"));
	assert_null(strstr(strstr(text, "otherwise") + 1, "otherwise"));
	/* It is no hole. */
	assert_non_null(strstr(text, "nothing is missing"));
}

static void says_it_as_json(void **state)
{
	_cleanup_free_ char *text = NULL;
	json_t *j, *span;

	(void)state;
	SAY(true, &text, FIRST, OTHER);
	j = json_loads(text, 0, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "config_sha256")), OTHER);
	span = json_array_get(json_object_get(j, "spans"), 0);
	assert_string_equal(json_string_value(json_object_get(span, "what")), "config_changed");
	assert_string_equal(json_string_value(json_object_get(span, "config_sha256_before")),
			    FIRST);
	assert_string_equal(json_string_value(json_object_get(span, "config_sha256")), OTHER);
	json_decref(j);
}

static void takes_digests_only(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	SAY(false, &text, FIRST, "", "\033[2J", OTHER "b", FIRST);
	assert_non_null(strstr(text, "  config       " FIRST "\n"));
	assert_null(strstr(text, "otherwise"));
	assert_null(strchr(text, '\033'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_when_it_was_configured_otherwise),
		cmocka_unit_test(says_it_as_json),
		cmocka_unit_test(takes_digests_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
