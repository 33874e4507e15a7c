/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A program that the sensor runs over all elements of a map, by reading an iterator. Since Linux
 * 5.13 there is a helper for it, which some program has to call: that of the iterator over the
 * system's maps does, at the first of them. Before, the iterator over a map's elements is taken;
 * some kernels are built to refuse it, as a program of it can change what is in any map.
 * sensor/hooks.c chooses.
 */
#ifndef VARVE_EACH_BPF_H
#define VARVE_EACH_BPF_H

#include "probe.bpf.h"

/* name: of the map's programs; fn(const KEY *, VALUE *) is run for each element, which it may
 * delete. */
#define FOR_EACH_ELEMENT(name, map_, key_type, value_type, fn)                                     \
	static long name##_element(struct bpf_map *map, key_type *key, value_type *value,          \
				   void *ctx)                                                      \
	{                                                                                          \
		fn(key, value);                                                                    \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?iter/bpf_map")                                                                       \
	int name(struct bpf_iter__bpf_map *ctx)                                                    \
	{                                                                                          \
		if (!ctx->meta->seq_num && ctx->map)                                               \
			bpf_for_each_map_elem(&map_, name##_element, 0, 0);                        \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?iter/bpf_map_elem")                                                                  \
	int name##_5_12(struct bpf_iter__bpf_map_elem *ctx)                                        \
	{                                                                                          \
		key_type *key = ctx->key; /* read once: what is checked is what is used */         \
		value_type *value = ctx->value;                                                    \
                                                                                                   \
		if (key && value)                                                                  \
			fn(key, value);                                                            \
		return 0;                                                                          \
	}

#endif
