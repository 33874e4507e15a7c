/* SPDX-License-Identifier: Apache-2.0 */
/* Events in words. All that comes from the evidence is printed escaped. */
#ifndef VARVE_RESPONDER_DESCRIBE_H
#define VARVE_RESPONDER_DESCRIBE_H

#include "evidence/event.h"
#include <stdbool.h>
#include <stdio.h>

/* What happened, in one line without a newline: "/tmp/x created [upper layer]". */
void describe_event(FILE *out, const Varve__V1__Event *ev);
/* The same of a kind that has no words of its own: "name=value ...". */
void describe_any(FILE *out, const Varve__V1__Event *ev);
/* "192.0.2.7:443", "[2001:db8::1]:443". NULL: "?". */
void describe_endpoint(FILE *out, const Varve__V1__Endpoint *e);
/* "tcp 192.0.2.7:443"; the caller frees. */
char *describe_place(const char *protocol, const Varve__V1__Endpoint *e);
/* The errno with which what it says failed; false: it did not, or the kind has none. */
bool describe_errno(const Varve__V1__Event *ev, uint32_t *ret_errno);
/* "www.example.com A: 192.0.2.7 from 192.0.2.53:53 udp". */
void describe_dns(FILE *out, const Varve__V1__Event *ev);
/* " failed: ENOENT (No such file or directory)". */
void describe_failure(FILE *out, uint32_t call_errno);
/* "/bin/sh -c \"echo hi\"": the arguments as they would be typed; false if there are none. */
bool describe_args(FILE *out, const Varve__V1__Event *ev);
/* Path and flags. NULL: "?". */
void describe_file(FILE *out, const Varve__V1__File *file);
/* "[upper layer] [unlinked] [memfd]", each with a space before it. */
void describe_file_flags(FILE *out, const Varve__V1__File *file);
/* The exact bytes if there are, else the string; "?" if neither. */
void describe_text(FILE *out, const char *text, bool has_raw, ProtobufCBinaryData raw);
/* A string that may be NULL ("?"), escaped. */
void describe_string(FILE *out, const char *s);
/* "Deployment web": what a pod is of. */
void describe_owner(FILE *out, const char *kind, const char *name, bool concluded);
/* "code 0", "code 1", "signal 9 (Killed), core dumped". */
void describe_exit(FILE *out, const Varve__V1__Exit *e);

#endif
