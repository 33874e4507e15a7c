/* SPDX-License-Identifier: Apache-2.0 */
/* The moment when programs begin to record and those before them cease. Used by probes.c only. */
#ifndef VARVE_TAKEOVER_H
#define VARVE_TAKEOVER_H

#include <stddef.h>
#include <stdint.h>

/*
 * From here on the programs of the generation record, on each CPU from a moment on at which no hook
 * is passed there. prog_fd: of core_take_over; map_fd: of current_set. cpu_cnt: possible CPUs.
 */
int takeover_all_cpus(int prog_fd, int map_fd, uint32_t generation, size_t cpu_cnt);

#endif
