/* SPDX-License-Identifier: Apache-2.0 */
/* Names of kinds and classes from bpf/events.def; a checked decode. */
#include "evidence/event.h"
#include "bpf/event.h"
#include "evidence/base.h"
#include <string.h>

static const struct {
	const char *name;
	const char *label; /* of what happened; NULL: said by the sensor */
	enum ev_class ev_class;
} kinds[EV_KIND_END] = {
#define EV(number, NAME, name, group)	     [number] = {#NAME, #name, EV_CLASS_##group},
#define EV_SENSOR(number, NAME, name, group) [number] = {#NAME, NULL, EV_CLASS_##group},
#include "bpf/events.def"
};

const char *event_kind_name(unsigned int number)
{
	return number < EV_KIND_END ? kinds[number].name : NULL;
}

const char *event_kind_label(unsigned int number)
{
	return number < EV_KIND_END ? kinds[number].label : NULL;
}

unsigned int event_kind_number(const char *name)
{
	for (unsigned int i = 0; i < EV_KIND_END; i++)
		if (kinds[i].name && !strcmp(kinds[i].name, name))
			return i;
	return 0;
}

const char *event_kind_class(unsigned int number)
{
	return event_kind_name(number) ? event_class_name(kinds[number].ev_class) : NULL;
}

const char *event_class_name(unsigned int ev_class)
{
	static const char *const names[] = {
		[EV_CLASS_process] = "process", [EV_CLASS_file] = "file",
		[EV_CLASS_network] = "network", [EV_CLASS_container] = "container",
		[EV_CLASS_kernel] = "kernel",	[EV_CLASS_sensor] = "sensor",
	};

	return ev_class < ARRAY_SIZE(names) ? names[ev_class] : NULL;
}

bool event_is_of_outline(unsigned int kind)
{
	static const unsigned int outline[] = {
		EV_RUN_START, EV_RUN_END,	  EV_COVERAGE,	     EV_HEARTBEAT, EV_LOSS,
		EV_BINDING,   EV_CONTAINER_START, EV_CONTAINER_STOP, EV_ACCOUNT,   EV_POD_STATE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(outline); i++)
		if (outline[i] == kind)
			return true;
	return false;
}

bool event_is_valid(const Varve__V1__Event *ev)
{
	return ev->kind && ev->has_sequence && ev->sequence <= INT64_MAX && ev->run_id &&
	       ev->node_name;
}

Varve__V1__Event *event_decode(const uint8_t *payload, size_t len)
{
	Varve__V1__Event *ev = varve__v1__event__unpack(NULL, len, payload);

	if (ev && event_is_valid(ev))
		return ev;
	if (ev)
		varve__v1__event__free_unpacked(ev, NULL);
	return NULL;
}
