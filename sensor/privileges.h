/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor may do, and gives up. Linux keeps capabilities for each thread: each drops by
 * itself, as soon as it can, what it does not need any more.
 */
#ifndef VARVE_PRIVILEGES_H
#define VARVE_PRIVILEGES_H

#include <stdint.h>

struct conf;

/* Bits by capability, of this thread. */
uint64_t privileges_effective(void);
/*
 * First of all, before any thread is: nothing gains privileges by exec any more, and memory can not
 * be dumped nor read by processes of the same user. Does nothing with drop-privileges = off, and
 * then privileges_keep() does nothing either. Errors are told.
 */
int privileges_begin(const struct conf *conf);
/* This thread keeps these and no others, as far as it has them. Errors are told. */
int privileges_keep(uint64_t set);

/* What the main loop needs once all is attached. */
uint64_t privileges_of_loop(const struct conf *conf);
/* What the threads that read files of containers need. */
uint64_t privileges_of_births(void);
uint64_t privileges_of_hash(void);

#endif
