/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipper alone, for tests against a real broker: takes the sensor's options, and
 *   SHIP_LOG_APPEND=N  appends N records to the log first, their sequence going on from the log's
 * next index; SHIP_LOG_PACE=N    appends them N at a time, 20 ms apart, while shipping;
 *   SHIP_LOG_WAIT=S    seconds to wait for acknowledgement (30);
 *   SHIP_LOG_TIME=T      time of record 0 in seconds, a millisecond more for each.
 * Ends with 0 when all that is in the log is acknowledged; prints one line of what was done.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include "sensor/ship.h"

#include <string.h>
#include <time.h>

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / NSEC_PER_SEC;
}

static int append_one(struct log *log, const struct conf *conf)
{
	Varve__V1__Event event = VARVE__V1__EVENT__INIT;
	Varve__V1__Container container = VARVE__V1__CONTAINER__INIT;
	Varve__V1__Pod pod = VARVE__V1__POD__INIT;
	Varve__V1__Exec exec = VARVE__V1__EXEC__INIT;
	uint8_t payload[2048];
	char line[301];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	event.kind = "EXEC";
	event.has_sequence = event.has_time_unix_nano = true;
	event.sequence = log_next_index(log);
	event.time_unix_nano = (int64_t)(number("SHIP_LOG_TIME", 0) * NSEC_PER_SEC +
					 event.sequence * NSEC_PER_MSEC);
	event.run_id = "11111111-2222-3333-4444-555555555555";
	event.node_name = conf->node_name;
	event.container = &container;
	container.id = "container-a";
	event.pod = &pod;
	pod.uid = "pod-a";
	event.body_case = VARVE__V1__EVENT__BODY_EXEC;
	event.exec = &exec;
	exec.cmd_line = line;
	if (varve__v1__event__get_packed_size(&event) > sizeof(payload))
		return -E2BIG;
	return log_append(log, payload, varve__v1__event__pack(&event, payload), NULL);
}

static int append(struct log *log, const struct conf *conf, uint64_t cnt)
{
	int err = 0;

	for (uint64_t i = 0; i < cnt && !err; i++)
		err = append_one(log, conf);
	return err ? err : log_flush(log);
}

static void on_refused(uint64_t index, const char *run_id, uint64_t sequence,
		       int64_t time_unix_nano, const char *reason, void *ctx)
{
	(void)run_id;
	(void)time_unix_nano;
	++*(int *)ctx;
	printf("refused: index %llu sequence %llu: %s\n", (unsigned long long)index,
	       (unsigned long long)sequence, reason);
}

static int ship_all(struct ship *ship, struct log *log, const struct conf *conf)
{
	uint64_t left = number("SHIP_LOG_APPEND", 0), pace = number("SHIP_LOG_PACE", left);
	double end = now() + (double)number("SHIP_LOG_WAIT", 30), worst = 0, began;
	int refused = 0, err = 0;

	while (!err && now() < end && (left || ship_acknowledged(ship) < log_next_index(log))) {
		uint64_t cnt = MIN(left, pace);

		err = append(log, conf, cnt);
		left -= cnt;
		began = now();
		if (!err)
			err = ship_run(ship, on_refused, &refused);
		worst = MAX(worst, now() - began);
		usleep(left ? 20000 : 1000);
	}
	printf("acknowledged %llu of %llu, %d refused, longest turn %.0f ms\n",
	       (unsigned long long)ship_acknowledged(ship), (unsigned long long)log_next_index(log),
	       refused, worst * 1000);
	return err || refused || left || ship_acknowledged(ship) < log_next_index(log);
}

static int run(const struct conf *conf)
{
	const struct log_opts opts = {.segment_bytes = conf->log_segment_bytes,
				      .limit_bytes = conf->log_limit_bytes};
	struct log_recovery recovery;
	struct ship *ship;
	struct log *log;
	int err;

	err = log_open(conf->log_dir, &opts, &log, &recovery);
	if (err)
		return 1;
	err = ship_open(conf, &ship);
	if (!err) {
		err = ship_all(ship, log, conf);
		ship_close(ship, 0);
	}
	log_close(log);
	return err != 0;
}

int main(int argc, char **argv)
{
	struct conf conf;
	int err;

	diag_init("ship_log", DIAG_INFO);
	err = conf_load(&conf, argc, argv);
	if (err)
		return err < 0;
	diag_init("ship_log", (enum diag_level)conf.log_level);
	err = run(&conf);
	conf_fini(&conf);
	return err;
}
