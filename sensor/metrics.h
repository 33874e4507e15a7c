/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor tells a Prometheus: the numbers, by the table in metrics.def, as text. Pure: no
 * clock, no I/O but the stream that is given.
 */
#ifndef VARVE_METRICS_H
#define VARVE_METRICS_H

#include "sensor/book.h"
#include <stdint.h>
#include <stdio.h>

/* Labels and how many values each has. */
#define METRIC_LABEL_none   1
#define METRIC_LABEL_class  EV_CLASS_CNT
#define METRIC_LABEL_cause  STREAMS_CAUSE_CNT
#define METRIC_LABEL_reason EV_SUPPRESS_CNT
#define METRIC_LABEL_ring   2 /* in the order of probes_ring_fds() */

/* A value that there is none of now: its line is left out. */
#define METRICS_ABSENT UINT64_MAX

/* A member has a value for each pair of labels: [first * count of second + second]. */
struct metrics {
#define METRIC(member, name, type, unit, first, second, help) \
	uint64_t member[METRIC_LABEL_##first * METRIC_LABEL_##second];
#include "sensor/metrics.def"
	char kernel_release[65];
};

/* The exposition format of Prometheus, version 0.0.4. */
void metrics_print(const struct metrics *metrics, FILE *out);
/* The rows of the table in docs/METRICS.md. */
void metrics_print_docs(FILE *out);

#endif
