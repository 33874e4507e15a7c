/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_log DIR COUNT TIME [FROM TO]: a log directory with one run of node worker-1 and two pods, default/web-7f9, whose records are a
 * story, and default/other, which opens COUNT files, for tests that need evidence and no sensor. TIME: when it began, in seconds. FROM
 * and TO: only these of its records, the last one excluded.
 */
#include "tests/unit/responder_sample.h"

static void make(struct sample *s, int cnt)
{
	struct sample_container web = {.id = SAMPLE_ID, .name = "app", .in_pod = true, .is_sandbox = true};
	struct sample_container other = {.id = SAMPLE_ID2,
					 .name = "other",
					 .in_pod = true,
					 .pod_uid = "bbbbbbbb-0000-4000-8000-000000000002",
					 .pod_name = "other"};

	sample_run_start(s, NULL, 0);
	sample_pod_state(s, &web, false, NULL);
	sample_life(s, &web);
	sample_pod_state(s, &web, true, NULL);
	sample_start(s, &other, false);
	for (int i = 0; i < cnt; i++) {
		sample_open_file(s, &other, 4201, "/etc/hosts", SAMPLE_READ);
		s->now_ns -= SAMPLE_SEC - SAMPLE_SEC / 1000;
	}
	sample_heartbeat(s);
	s->now_ns += 120 * SAMPLE_SEC;
	sample_heartbeat(s);
	sample_run_end(s);
}

int main(int argc, char **argv)
{
	struct sample s, part;

	if (argc != 4 && argc != 6)
		return 2;
	sample_init(&s);
	s.now_ns = atoll(argv[3]) * SAMPLE_SEC;
	make(&s, atoi(argv[2]));
	part = s;
	if (argc == 6) {
		part.items += MIN((size_t)atoll(argv[4]), s.cnt);
		part.cnt = MIN((size_t)atoll(argv[5]), s.cnt) - (part.items - s.items);
	}
	sample_write_log(&part, argv[1], 1 << 20);
	sample_fini(&s);
	return 0;
}
