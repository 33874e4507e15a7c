/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Does a path match one of the patterns that the option `read-opens-always` gives?
 *
 * All patterns are looked for at once, a byte of the path at a time: a bit for each place in each
 * pattern that the path may have come to so far (struct ev_always_row; sensor/policy.c makes the
 * rows). So the cost is the length of the path times the words that the patterns take, four for a
 * dozen of them, whatever the path; no name can make it slow.
 *
 * Global functions that the verifier checks once each, as in path.bpf.c.
 */
#include "always.bpf.h"

#define STEPS 64

struct always_known_map always_known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EV_ALWAYS_ROW_CNT);
	__type(key, __u32);
	__type(value, struct ev_always_row);
} always_rows SEC(".maps");

const volatile __u32 cfg_always_words = 0;

static __always_inline struct ev_always_row *row_of(__u32 i)
{
	return bpf_map_lookup_elem(&always_rows, &i);
}

/* True: the path has ended. */
__noinline int always_byte(__u32 slot)
{
	struct ev_always_row *on, *stay = row_of(EV_ALWAYS_ROW_STAY);
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	__u64 carry = 0, moved;
	__u32 i;

	if (!s || !stay || s->match.pos >= EV_PATH_MAX)
		return 1;
	on = row_of(s->path[s->match.pos & (EV_PATH_MAX - 1)]);
	if (!on)
		return 1;
	for (i = 0; i < EV_ALWAYS_WORDS && i < cfg_always_words; i++) {
		moved = s->match.place[i] & on->word[i];
		s->match.place[i] = moved << 1 | carry | (s->match.place[i] & stay->word[i]);
		carry = moved >> 63;
	}
	s->match.pos++;
	return 0;
}

__noinline int always_steps(__u32 slot)
{
	int i;

	for (i = 0; i < STEPS; i++) {
		if (always_byte(slot))
			return 1;
	}
	return 0;
}

__noinline int always_begin(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct ev_always_row *begin = row_of(EV_ALWAYS_ROW_BEGIN);
	__u32 i;

	if (!s || !begin)
		return 0;
	for (i = 0; i < EV_ALWAYS_WORDS && i < cfg_always_words; i++)
		s->match.place[i] = begin->word[i];
	s->match.pos = s->walk.pos;
	return 0;
}

/* The path is what path_walk() left in the scratch buffer. */
__noinline int always_match(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct ev_always_row *end = row_of(EV_ALWAYS_ROW_END);
	__u64 there = 0;
	__u32 i;

	if (!s || !end)
		return 0;
	always_begin(slot);
	for (i = 0; i < EV_PATH_MAX / STEPS + 1; i++) {
		if (always_steps(slot))
			break;
	}
	for (i = 0; i < EV_ALWAYS_WORDS && i < cfg_always_words; i++)
		there |= s->match.place[i] & end->word[i];
	return !!there;
}
