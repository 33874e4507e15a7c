/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz entry: the input as a raw record of the kernel side. Whatever it is, it is refused, or
 * becomes an event that any decoder takes: it packs, unpacks, fits into a frame of the log, and all
 * its text is valid UTF-8.
 */
#include "evidence/arena.h"
#include "evidence/base.h"
#include "evidence/log.h"
#include "evidence/text.h"
#include "sensor/record.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_SIZE (2u << 20) /* as in sensor/emit.c */

static void check_message(const ProtobufCMessage *msg);

static void check_value(const ProtobufCFieldDescriptor *f, const void *value)
{
	const char *text;

	if (f->type == PROTOBUF_C_TYPE_STRING) {
		text = *(char *const *)value;
		if (text && !text_is_utf8(text, strlen(text)))
			abort();
	} else if (f->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage *const *)value) {
		check_message(*(ProtobufCMessage *const *)value);
	}
}

static void check_message(const ProtobufCMessage *msg)
{
	for (unsigned int i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		const char *at = (const char *)msg + f->offset;
		size_t cnt;

		if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
		    *(const uint32_t *)((const char *)msg + f->quantifier_offset) != f->id)
			continue;
		if (f->label != PROTOBUF_C_LABEL_REPEATED) {
			check_value(f, at);
			continue;
		}
		cnt = *(const size_t *)((const char *)msg + f->quantifier_offset);
		for (size_t k = 0; k < cnt; k++)
			check_value(f, *(char *const *)at + k * sizeof(void *));
	}
}

static void check_event(const Varve__V1__Event *ev)
{
	size_t len = varve__v1__event__get_packed_size(ev);
	_cleanup_free_ uint8_t *packed = malloc(len);
	Varve__V1__Event *again;

	if (!packed || len > LOG_FRAME_MAX || varve__v1__event__pack(ev, packed) != len)
		abort();
	again = varve__v1__event__unpack(NULL, len, packed);
	if (!again || again->body_case != ev->body_case || !again->kind)
		abort();
	check_message(&again->base);
	varve__v1__event__free_unpacked(again, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	Varve__V1__Event ev;
	struct record rec;
	/* Of its own length and aligned as in a ring. */
	_cleanup_free_ uint8_t *copy = malloc(size ? size : 1);

	if (!copy || (!arena.base && arena_init(&arena, ARENA_SIZE)))
		abort();
	memcpy(copy, data, size);
	/* Most mutations change the length: mend it, or few would get further than its check. */
	if (size >= sizeof(struct ev_hdr))
		((struct ev_hdr *)copy)->len = size;
	if (size > EV_REC_MAX || record_check(copy, size, &rec))
		return 0;
	arena_reset(&arena);
	if (!record_to_event(&rec, &arena, &ev))
		check_event(&ev);
	return 0;
}
