/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, RFC 3720), by the processor's instruction where it has one. */
#ifndef VARVE_CRC32C_H
#define VARVE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc, which is 0 at the beginning: crc32c(crc32c(0, a), b) is the CRC of a and b. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
