/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events in a few words, for lists in which the same thing is told once: without addresses,
 * descriptors, cookies and the like, which make each of them another thing. describe.h tells all.
 */
#ifndef VARVE_RESPONDER_BRIEF_H
#define VARVE_RESPONDER_BRIEF_H

#include "evidence/event.h"
#include <stdio.h>

/* Escaped, in one line without its kind, and how it failed; as describe_event() if it has no other
 * words. */
void brief_event(FILE *out, const Varve__V1__Event *ev);

#endif
