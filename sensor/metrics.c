/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/metrics.h"

#include "evidence/base.h"
#include "evidence/event.h"
#include "sensor/streams.h"

#include <inttypes.h>

#define INFO_NAME "varve_sensor_build_info"
#define INFO_HELP "1; the labels say which sensor runs on which kernel."

struct label {
	const char *name;
	unsigned int cnt;
	const char *(*value)(unsigned int i);
};

struct metric {
	const char *name, *type, *help;
	void (*print)(uint64_t value, FILE *out);
	const struct label *first, *second;
	size_t offset;
};

static const char *no_value(unsigned int i)
{
	(void)i;
	return "";
}

static const char *ring_name(unsigned int i)
{
	static const char *const names[METRIC_LABEL_ring] = {"events", "decisive"};

	return names[i];
}

static const struct label label_none = {"", METRIC_LABEL_none, no_value};
static const struct label label_class = {"class", METRIC_LABEL_class, event_class_name};
static const struct label label_cause = {"cause", METRIC_LABEL_cause, streams_cause_name};
static const struct label label_reason = {"reason", METRIC_LABEL_reason, streams_reason_name};
static const struct label label_ring = {"ring", METRIC_LABEL_ring, ring_name};

static void print_NUMBER(uint64_t value, FILE *out)
{
	fprintf(out, "%" PRIu64, value);
}

static void print_NANOSECONDS(uint64_t value, FILE *out)
{
	fprintf(out, "%llu.%09llu", (unsigned long long)(value / NSEC_PER_SEC),
		(unsigned long long)(value % NSEC_PER_SEC));
}

static const struct metric table[] = {
#define METRIC(member, name, type, unit, first, second, help) \
	{#name,                                               \
	 #type,                                               \
	 help,                                                \
	 print_##unit,                                        \
	 &label_##first,                                      \
	 &label_##second,                                     \
	 offsetof(struct metrics, member)},
#include "sensor/metrics.def"
};

/* No value of ours has a quote, a backslash or a newline in it. */
static void print_labels(const struct metric *m, unsigned int i, unsigned int k, FILE *out)
{
	if (m->first == &label_none)
		return;
	fprintf(out, "{%s=\"%s\"", m->first->name, m->first->value(i));
	if (m->second != &label_none)
		fprintf(out, ",%s=\"%s\"", m->second->name, m->second->value(k));
	fputc('}', out);
}

static void print_metric(const struct metric *m, const uint64_t *values, FILE *out)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
	for (unsigned int i = 0; i < m->first->cnt; i++) {
		for (unsigned int k = 0; k < m->second->cnt; k++) {
			uint64_t value = values[i * m->second->cnt + k];

			if (value == METRICS_ABSENT)
				continue;
			fputs(m->name, out);
			print_labels(m, i, k, out);
			fputc(' ', out);
			m->print(value, out);
			fputc('\n', out);
		}
	}
}

/* What the kernel calls itself may have been chosen by anybody who built it. */
static void print_value(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc((unsigned char)*text < 0x20 || *text & 0x80 ? '?' : *text, out);
	}
}

static void print_info(const struct metrics *metrics, FILE *out)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n%s{version=\"%s\",kernel=\"", INFO_NAME,
		INFO_HELP, INFO_NAME, INFO_NAME, VARVE_VERSION);
	print_value(metrics->kernel_release, out);
	fputs("\"} 1\n", out);
}

void metrics_print(const struct metrics *metrics, FILE *out)
{
	print_info(metrics, out);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		print_metric(&table[i], (const void *)((const char *)metrics + table[i].offset),
			     out);
}

void metrics_print_docs(FILE *out)
{
	fprintf(out, "| `%s` | gauge | `version`, `kernel` | %s |\n", INFO_NAME, INFO_HELP);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct metric *m = &table[i];

		fprintf(out, "| `%s` | %s |", m->name, m->type);
		if (m->first != &label_none)
			fprintf(out, " `%s`", m->first->name);
		if (m->second != &label_none)
			fprintf(out, ", `%s`", m->second->name);
		fprintf(out, " | %s |\n", m->help);
	}
}
