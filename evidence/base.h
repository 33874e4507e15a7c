/* SPDX-License-Identifier: Apache-2.0 */
/* Small things every module uses: sizes, cleanup attributes, handing over ownership. */
#ifndef VARVE_BASE_H
#define VARVE_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	     (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	     ((a) < (b) ? (a) : (b))
#define MAX(a, b)	     ((a) > (b) ? (a) : (b))
#define NSEC_PER_SEC	     1000000000ULL
#define NSEC_PER_MSEC	     1000000ULL
#define UUID_LEN	     36 /* text form, without the NUL */
#define VARVE_VERSION	     "0.1.0"
#define VARVE_SCHEMA_VERSION 1

/* Text form of a UUID. */
static inline void uuid_format(const uint8_t b[16], char ret_text[UUID_LEN + 1])
{
	snprintf(ret_text, UUID_LEN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

/* Takes the value out of a variable with a cleanup attribute, so that the cleanup does nothing. */
#define TAKE_PTR(p)                       \
	({                                \
		__typeof__(p) *_p = &(p); \
		__typeof__(p) _v = *_p;   \
		*_p = NULL;               \
		_v;                       \
	})
#define TAKE_FD(fd)              \
	({                       \
		int *_p = &(fd); \
		int _v = *_p;    \
		*_p = -1;        \
		_v;              \
	})

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}
#define _cleanup_free_	 __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_	 __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))

#endif
