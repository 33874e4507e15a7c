/* SPDX-License-Identifier: Apache-2.0 */
/* System calls as a 32-bit program makes them, from a 64-bit one: pointers have to lie below 4 GiB.
 */
#ifndef VARVE_LIVE_IA32_H
#define VARVE_LIVE_IA32_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/live/harness.h"

/* Returns what the kernel does: a negative errno, or the result. */
static inline int ia32_call(int nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	int ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

/* A page below 4 GiB with a copy of the bytes, for an argument of ia32_call(). */
static inline uint32_t ia32_bytes(const void *bytes, size_t len)
{
	void *low = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));

	EXPECT(len <= 8192);
	memcpy(low, bytes, len);
	return (uintptr_t)low;
}

static inline uint32_t ia32_text(const char *text)
{
	return ia32_bytes(text, strlen(text) + 1);
}

#endif
