/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of frames in flight: see ship_window.h. */
#include "sensor/ship_window.h"

#include "evidence/base.h"

int window_init(struct ship_window *window, size_t cnt)
{
	size_t size = 1;

	while (size < cnt)
		size *= 2;
	*window = (struct ship_window){.size = size};
	window->entries = calloc(size, sizeof(*window->entries));
	return window->entries ? 0 : -ENOMEM;
}

void window_fini(struct ship_window *window)
{
	free(window->entries);
	*window = (struct ship_window){0};
}

static struct window_entry *entry(struct ship_window *window, uint64_t serial)
{
	return &window->entries[serial & (window->size - 1)];
}

int window_push(struct ship_window *window, uint64_t index, uint32_t crc)
{
	if (window->head - window->tail == window->size)
		return -ENOSPC;
	*entry(window, window->head++) = (struct window_entry){
		.index = index, .crc = crc, .state = WINDOW_WAITING, .pods = WINDOW_SETTLED};
	return 0;
}

struct window_entry *window_at(struct ship_window *window, uint64_t serial)
{
	if (serial < window->tail || serial >= window->head)
		return NULL;
	return entry(window, serial);
}

bool window_settle(struct ship_window *window, struct ship_mark *mark)
{
	bool moved = false;

	while (window->tail < window->head) {
		const struct window_entry *e = entry(window, window->tail);

		if (e->state != WINDOW_SETTLED || e->pods != WINDOW_SETTLED)
			break;
		window->tail++;
		/* Below the mark when ship_skip_to() has moved it already. */
		if (e->index < mark->index)
			continue;
		*mark = (struct ship_mark){
			.index = e->index + 1, .last_crc = e->crc, .has_crc = true};
		moved = true;
	}
	return moved;
}

void window_rewind(struct ship_window *window)
{
	for (uint64_t s = window->tail; s < window->head; s++) {
		struct window_entry *e = entry(window, s);

		if (e->state == WINDOW_IN_FLIGHT)
			e->state = WINDOW_WAITING;
		if (e->pods == WINDOW_IN_FLIGHT)
			e->pods = WINDOW_WAITING;
	}
}

size_t window_give_up_pods(struct ship_window *window)
{
	size_t cnt = 0;

	for (uint64_t s = window->tail; s < window->head; s++) {
		struct window_entry *e = entry(window, s);

		cnt += e->pods != WINDOW_SETTLED;
		e->pods = WINDOW_SETTLED;
	}
	return cnt;
}

void window_drop_below(struct ship_window *window, uint64_t index)
{
	for (uint64_t s = window->tail; s < window->head; s++) {
		struct window_entry *e = entry(window, s);

		if (e->index >= index)
			continue;
		if (e->state == WINDOW_WAITING)
			e->state = WINDOW_SETTLED;
		if (e->pods == WINDOW_WAITING)
			e->pods = WINDOW_SETTLED;
	}
}
