/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers over the generated Event: names of kinds and classes, a checked decode. */
#ifndef VARVE_EVIDENCE_EVENT_H
#define VARVE_EVIDENCE_EVENT_H

#include "varve.pb-c.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "EXEC" for 17; NULL if there is no such kind. */
const char *event_kind_name(unsigned int number);
/* "exec" for 17; NULL if there is no such kind, or it is one that the sensor itself says. */
const char *event_kind_label(unsigned int number);
/* 17 for "EXEC"; 0 if there is no such kind. */
unsigned int event_kind_number(const char *name);
/* "process" for the class of kind 17 ("sensor" for the sensor's own); NULL if there is no such
 * kind. */
const char *event_kind_class(unsigned int number);
/* "process" for EV_CLASS_process; NULL beyond. */
const char *event_class_name(unsigned int ev_class);

/*
 * Of the log's outline: what has to be known of all of the log, also of what is not read, to judge a
 * part of it. Runs, what the sensor saw and lost, and the lives of containers and pods.
 */
bool event_is_of_outline(unsigned int kind);

/* It has kind, sequence (below 2^63), run_id and node_name. */
bool event_is_valid(const Varve__V1__Event *ev);
/*
 * Decodes one payload; the caller frees with varve__v1__event__free_unpacked(). NULL if it is not
 * a valid Event. A kind this build does not know is no error.
 */
Varve__V1__Event *event_decode(const uint8_t *payload, size_t len);

#endif
