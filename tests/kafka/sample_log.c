/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_log DIR COUNT: a log directory with one run, two pods (default/web-7f9, whose records are
 * a story and COUNT opened files, and default/other), for tests that need evidence and no sensor.
 * The times are of now.
 */
#include "tests/unit/responder_sample.h"
#include <time.h>

int main(int argc, char **argv)
{
	struct sample_container web = {.id = SAMPLE_ID, .name = "app", .in_pod = true};
	struct sample_container other = {.id = SAMPLE_ID2,
					 .name = "other",
					 .in_pod = true,
					 .pod_uid = "bbbbbbbb-0000-4000-8000-000000000002",
					 .pod_name = "other"};
	struct sample s;

	if (argc != 3)
		return 2;
	sample_init(&s);
	s.now_ns = (int64_t)(time(NULL) - 86400) * SAMPLE_SEC;
	sample_run_start(&s, NULL, 0);
	sample_pod_state(&s, &web, false, NULL);
	sample_life(&s, &web);
	sample_pod_state(&s, &web, true, NULL);
	sample_start(&s, &other, false);
	for (int i = 0, n = atoi(argv[2]); i < n; i++) {
		sample_open_file(&s, &other, 4201, "/etc/hosts", SAMPLE_READ);
		s.now_ns -= SAMPLE_SEC - SAMPLE_SEC / 1000;
	}
	sample_heartbeat(&s);
	sample_heartbeat(&s);
	sample_run_end(&s);
	sample_write_log(&s, argv[1], 1 << 20);
	sample_fini(&s);
	return 0;
}
