/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor file: see ship_cursor.h. */
#include "sensor/ship_cursor.h"

#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "evidence/base.h"
#include "evidence/crc32c.h"
#include "evidence/diag.h"

#define SLOT_MAGIC   "varvecur"
#define SLOT_CNT     2
#define SLOT_STRIDE  512 /* a sector each: one torn write cannot reach both */
#define FLAG_HAS_CRC 1u

/* On disk, little endian. */
struct slot {
	char magic[8];
	uint64_t generation;
	uint64_t index;
	uint32_t last_crc;
	uint32_t flags;
	uint32_t crc; /* over what is before */
	uint32_t pad0;
};
_Static_assert(sizeof(struct slot) == 40, "slot layout");

static uint32_t slot_crc(const struct slot *slot)
{
	return crc32c(0, slot, offsetof(struct slot, crc));
}

static bool slot_holds(const struct slot *slot)
{
	return memcmp(slot->magic, SLOT_MAGIC, sizeof(slot->magic)) == 0 &&
	       le32toh(slot->crc) == slot_crc(slot);
}

static void slot_take(const struct slot *slot, struct ship_cursor *cursor)
{
	cursor->generation = le64toh(slot->generation);
	cursor->mark.index = le64toh(slot->index);
	cursor->mark.last_crc = le32toh(slot->last_crc);
	cursor->mark.has_crc = le32toh(slot->flags) & FLAG_HAS_CRC;
}

/* The newest slot that holds. Returns how many do. */
static int cursor_load(struct ship_cursor *cursor)
{
	struct slot slot;
	int cnt = 0;

	for (int i = 0; i < SLOT_CNT; i++) {
		ssize_t n = pread(cursor->fd, &slot, sizeof(slot), (off_t)i * SLOT_STRIDE);

		if (n < 0)
			return -errno;
		if (n != sizeof(slot) || !slot_holds(&slot))
			continue;
		if (cnt++ == 0 || le64toh(slot.generation) > cursor->generation)
			slot_take(&slot, cursor);
	}
	return cnt;
}

int ship_cursor_open(const char *dir, struct ship_cursor *ret_cursor)
{
	struct ship_cursor cursor = {.fd = -1};
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	int cnt;

	if ((size_t)snprintf(path, sizeof(path), "%s/cursor", dir) >= sizeof(path))
		return log_err(-ENAMETOOLONG, "cannot open %s/cursor", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return log_err(-errno, "cannot open the shipper's cursor %s", path);
	cursor.fd = fd;
	cnt = cursor_load(&cursor);
	if (cnt < 0)
		return log_err(cnt, "cannot read the shipper's cursor %s", path);
	if (cnt == 0 && st.st_size > 0)
		log_warn("%s is damaged: shipping the log again from its beginning, expect "
			 "duplicates in Kafka",
			 path);
	cursor.fd = TAKE_FD(fd);
	*ret_cursor = cursor;
	return 0;
}

void ship_cursor_close(struct ship_cursor *cursor)
{
	if (cursor->fd >= 0)
		close(cursor->fd);
	cursor->fd = -1;
}

int ship_cursor_save(struct ship_cursor *cursor, const struct ship_mark *mark)
{
	uint64_t generation = cursor->generation + 1;
	struct slot slot = {
		.magic = SLOT_MAGIC,
		.generation = htole64(generation),
		.index = htole64(mark->index),
		.last_crc = htole32(mark->last_crc),
		.flags = htole32(mark->has_crc ? FLAG_HAS_CRC : 0),
	};
	ssize_t n;

	slot.crc = htole32(slot_crc(&slot));
	n = pwrite(cursor->fd, &slot, sizeof(slot), (off_t)(generation % SLOT_CNT) * SLOT_STRIDE);
	if (n != sizeof(slot))
		return n < 0 ? -errno : -EIO;
	cursor->generation = generation;
	cursor->mark = *mark;
	return 0;
}
