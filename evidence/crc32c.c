/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C twice: eight table look-ups for eight bytes (slicing-by-8), and SSE 4.2's instruction,
 * chosen once before main(). The tables are computed then too: 8 KiB that nobody need read.
 */
#include "evidence/crc32c.h"
#include <endian.h>
#include <string.h>

#define POLY 0x82f63b78u /* reflected */

static uint32_t table[8][256];
static uint32_t (*update)(uint32_t crc, const uint8_t *p, size_t len);

static uint32_t update_table(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t v;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&v, p, 8);
		v = le64toh(v) ^ crc;
		crc = 0;
		for (int i = 0; i < 8; i++)
			crc ^= table[7 - i][v >> (8 * i) & 0xff];
	}
	for (; len; p++, len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t update_sse42(uint32_t crc, const uint8_t *p,
							       size_t len)
{
	uint64_t v, wide = crc;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&v, p, 8);
		wide = __builtin_ia32_crc32di(wide, v);
	}
	crc = (uint32_t)wide;
	for (; len; p++, len--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

static void fill_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLY : 0);
		table[0][i] = crc;
	}
	for (int t = 1; t < 8; t++)
		for (int i = 0; i < 256; i++)
			table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xff];
}

__attribute__((constructor)) static void choose(void)
{
	fill_tables();
	update = update_table;
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("sse4.2"))
		update = update_sse42;
#endif
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	return ~update(~crc, data, len);
}
