/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the view `ocsf` share: objects of OCSF, and what each class has of its own. */
#ifndef VARVE_RESPONDER_OCSF_H
#define VARVE_RESPONDER_OCSF_H

#include "responder/views/projection.h"

#define OCSF_NSEC_PER_MS 1000000

/* NULL: nothing is written. */
void ocsf_put_file(struct writer *w, const char *key, const Varve__V1__File *file,
		   const char *sha256);
/*
 * The process of the record, which must have one. with_image: with its program, directory and
 * parent; of what it tried to run, the program is what that would have been.
 */
void ocsf_put_process(struct projector *p, const char *key, bool with_image);
/* The parent, and the other process; they must be there. */
void ocsf_put_parent(struct projector *p, const char *key);
void ocsf_put_other(struct projector *p, const char *key);
void ocsf_put_count(struct writer *w, const char *key, const struct fact_number *n);
/* A process without pid and uid is none to OCSF. */
bool ocsf_has_process(const Varve__V1__Event *ev);
bool ocsf_has_parent(const Varve__V1__Process *p);
bool ocsf_has_other(const struct facts *f);

void ocsf_put_network(struct projector *p);
void ocsf_put_dns(struct projector *p);
/* All that is the class's own; what it needs (projection.h) must be there. */
void ocsf_put_part(struct projector *p, enum ocsf_class class);

#endif
