/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/room.h"
#include "bpf/event.h"
#include "evidence/base.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include <ctype.h>
#include <string.h>
#include <sys/statvfs.h>

#define MIB (1ULL << 20)
/* Of log-limit, for the sensor's own records: hours of them, see intake_settle(). */
#define OWN_PART      16
#define OWN_MAX	      (32 * MIB)
#define DECISIVE_PART 10
/* auto: so much of the file system, within these bounds, and never more than a quarter. */
#define FREE_PERCENT 5
#define FREE_MIN     (256 * MIB)
#define FREE_MAX     (8192 * MIB)

static uint64_t free_auto(uint64_t disk)
{
	uint64_t part = disk / 100 * FREE_PERCENT;

	return MIN(MAX(MIN(part, FREE_MAX), FREE_MIN), disk / 4);
}

bool room_parse_free(const char *text, uint64_t disk, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	unsigned long long value;
	const char *unit;
	char *end;

	if (!strcmp(text, "auto")) {
		*ret_bytes = free_auto(disk);
		return true;
	}
	if (!isdigit((unsigned char)*text) || strlen(text) > 12)
		return false;
	value = strtoull(text, &end, 10);
	if (!strcmp(end, "%")) {
		*ret_bytes = disk / 100 * value;
		return value < 100;
	}
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (*end && (!unit || end[1] || value >= 1ULL << 20))
		return false;
	*ret_bytes = unit ? value << 10 * (unit - units + 1) : value;
	return true;
}

int room_read_disk(const char *dir, struct room_disk *ret_disk)
{
	struct statvfs fs;

	if (statvfs(dir, &fs))
		return -errno;
	*ret_disk = (struct room_disk){.total = fs.f_blocks * fs.f_frsize,
				       .free = fs.f_bavail * fs.f_frsize};
	return 0;
}

/*
 * How long the log may get before less is free than must be. Two segments it may have as long as
 * the disk has twice as much as that takes: a log whose segments are all acknowledged is no longer,
 * and who fills the disk to just below the mark does not blind it.
 */
static uint64_t most_by_disk(const struct conf *conf, uint64_t size, const struct room_disk *disk)
{
	uint64_t keep, least;

	if (!disk || !room_parse_free(conf->log_free, disk->total, &keep))
		return UINT64_MAX;
	if (disk->free >= keep)
		return size + (disk->free - keep);
	least = MIN(2 * conf->log_segment_bytes, size + disk->free / 2);
	return MAX(size - MIN(size, keep - disk->free), least);
}

void room_measure(const struct conf *conf, const struct log *log, const struct room_disk *disk,
		  struct room *ret_room)
{
	bool newest = conf_log_full(conf) == CONF_LOG_FULL_NEWEST;
	/* The segment that is written cannot go. */
	bool alone = log_first_index(log) == log_segment(log);
	uint64_t by_disk = most_by_disk(conf, log_size_bytes(log), disk), own;
	struct room room = {.limit = conf->log_limit_bytes};

	/* Never 0, which would be any. */
	by_disk = MAX(by_disk, 1u);
	if (newest) {
		own = MIN(conf->log_limit_bytes / OWN_PART, OWN_MAX);
		room.decisive = MIN(conf->log_limit_bytes - own, by_disk);
	} else {
		room.limit = MIN(conf->log_limit_bytes, by_disk);
		room.decisive = alone && by_disk != UINT64_MAX ? by_disk : 0;
	}
	room.common = room.decisive - room.decisive / DECISIVE_PART;
	*ret_room = room;
}

enum whose { OWN, COMMON, DECISIVE };
#define WHOSE_process	DECISIVE
#define WHOSE_container DECISIVE
#define WHOSE_kernel	DECISIVE
#define WHOSE_file	COMMON
#define WHOSE_network	COMMON

static enum whose whose_kind(unsigned int kind)
{
	static const unsigned char whose[EV_KIND_END] = {
#define EV(number, NAME, name, group) [number] = WHOSE_##group,
#include "bpf/events.def"
	};

	return kind < EV_KIND_END ? whose[kind] : OWN;
}

bool room_is_own(unsigned int kind)
{
	return whose_kind(kind) == OWN;
}

static uint64_t most_of_kind(const struct room *room, unsigned int kind)
{
	switch (whose_kind(kind)) {
	case COMMON:
		return room->common;
	case DECISIVE:
		return room->decisive;
	default:
		return 0;
	}
}

int room_take(const struct room *room, const struct log *log, unsigned int kind, size_t len)
{
	uint64_t most = most_of_kind(room, kind);

	return most && log_size_bytes(log) + len > most ? ROOM_REFUSED : 0;
}

enum room_state room_state(const struct room *room, const struct log *log)
{
	uint64_t size = log_size_bytes(log);

	if (room->decisive && size + 1 > room->decisive)
		return ROOM_FOR_OWN;
	return room->common && size + 1 > room->common ? ROOM_FOR_DECISIVE : ROOM_FOR_ALL;
}
