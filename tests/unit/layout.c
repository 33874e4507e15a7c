/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is pinned outlives the release that made it. Whoever changes the size of a record, or of a
 * map's keys or values, raises EV_LAYOUT and puts the new sum here; so must who changes what a
 * field means, which no test sees.
 */
#include "bpf/event.h"
#include "evidence/crc32c.h"
#include "sensor/book.h"
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "varve.skel.h"

#define LAYOUT_SUM 0xa7fb1488u /* of EV_LAYOUT 4 */

static uint32_t add(uint32_t sum, const char *name, size_t a, size_t b)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "%s %zu %zu\n", name, a, b);

	return crc32c(sum, line, (size_t)len);
}

static uint32_t add_records(uint32_t sum)
{
#define EV(number, NAME, name, group) sum = add(sum, #name, number, sizeof(struct ev_##name));
#include "bpf/events.def"
	return add(sum, "classes", EV_CLASS_CNT, EV_CAUSE_CNT + 100 * EV_SUPPRESS_CNT);
}

static uint32_t add_maps(uint32_t sum)
{
	struct varve_bpf *skel = varve_bpf__open();
	struct bpf_map *map;

	assert_non_null(skel);
	bpf_object__for_each_map(map, skel->obj)
	{
		if (!bpf_map__is_internal(map))
			sum = add(sum, bpf_map__name(map), bpf_map__key_size(map),
				  bpf_map__value_size(map));
	}
	varve_bpf__destroy(skel);
	return sum;
}

static void test_layout(void **state)
{
	uint32_t sum = add_maps(add_records(0));

	(void)state;
	sum = add(sum, "book", sizeof(struct book), sizeof(struct book_series));
	if (sum != LAYOUT_SUM)
		fail_msg("the form of what is pinned has changed: raise EV_LAYOUT in bpf/event.h, "
			 "and set LAYOUT_SUM to 0x%08xu",
			 sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_layout)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
