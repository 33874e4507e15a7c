/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that several kinds' messages share. All return 0, -EBADMSG or -ENOMEM, as
 * record_to_event(). */
#ifndef VARVE_FILL_H
#define VARVE_FILL_H

#include "sensor/record.h"
#include "evidence/arena.h"
#include "evidence/base.h"

/* Sets a scalar field and its presence. */
#define SET(msg, field, value)          \
	do {                            \
		(msg)->has_##field = 1; \
		(msg)->field = (value); \
	} while (0)

/* Allocates a body in the arena and makes it the event's. */
#define NEW_BODY(arena, ev, NAME, name, ret)                             \
	({                                                               \
		(ret) = arena_alloc(arena, sizeof(*(ret)));              \
		if (ret) {                                               \
			varve__v1__##name##__init(ret);                  \
			(ev)->body_case = VARVE__V1__EVENT__BODY_##NAME; \
			(ev)->name = (ret);                              \
		}                                                        \
		(ret) ? 0 : -ENOMEM;                                     \
	})

/* A string field, and the exact bytes beside it when they are not valid UTF-8. */
int fill_text(struct arena *arena, const char *bytes, size_t len, char **ret_text,
	      protobuf_c_boolean *ret_has_raw, ProtobufCBinaryData *ret_raw);
/* The same by reference. A reference that was not filled (off 0) leaves the field absent. */
int fill_ref(const struct record *rec, const struct ev_ref *ref, struct arena *arena,
	     char **ret_text, protobuf_c_boolean *ret_has_raw, ProtobufCBinaryData *ret_raw);
int fill_file(const struct record *rec, const struct ev_file *f, struct arena *arena,
	      Varve__V1__File **ret_file);
/* The same with the bytes of the path at hand; NULL: none. */
int fill_file_at(const struct ev_file *f, const char *path, size_t len, struct arena *arena,
		 Varve__V1__File **ret_file);
int fill_endpoint(const struct ev_addr *a, struct arena *arena, Varve__V1__Endpoint **ret_endpoint);
/* Without the uid: enrich.c has what it is made of. */
int fill_peer(const struct ev_peer *p, struct arena *arena, Varve__V1__OtherProcess **ret_other);
/* The name of a system call that a probe serves, by its number in 64-bit programs; NULL if it is
 * another one. */
char *fill_call(uint32_t nr);
/* "tcp", "udp" or the number. */
char *fill_protocol(struct arena *arena, uint32_t protocol);
/* enum ev_owner_by: "create" ...; NULL: not known. */
char *fill_owner_by(uint32_t by);
int fill_namespaces(const struct ev_namespaces *ns, struct arena *arena,
		    Varve__V1__Namespaces **ret_ns);
int fill_tty(const char tty[EV_TTY_LEN], struct arena *arena, char **ret_tty);
/* Splits arguments (a NUL behind each but perhaps the last) into strings; raw: all of them, if one
 * is not valid. */
int fill_args(struct arena *arena, const char *args, size_t len, size_t *ret_cnt, char ***ret_args,
	      protobuf_c_boolean *ret_has_raw, ProtobufCBinaryData *ret_raw);
/* Arguments joined by spaces; " ... " before the tail, if there is one. */
int fill_cmd_line(struct arena *arena, const char *args, size_t len, const char *tail,
		  size_t tail_len, char **ret_line);

#endif
