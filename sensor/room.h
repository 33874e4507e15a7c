/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens as the log gets full: how much it may take, by bytes and by what is free on the
 * disk, and which records it still takes then. The last part is for the decisive classes (process,
 * container, kernel), and what is behind that for what the sensor says itself: a loss that cannot
 * be said is a silent one.
 */
#ifndef VARVE_ROOM_H
#define VARVE_ROOM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct log;

/* The file system that the log lies on. */
struct room_disk {
	uint64_t total, free; /* bytes; free: without being root */
};

struct room {
	uint64_t limit; /* beyond it the oldest segment goes */
	/* Records are taken while the log is not beyond: of file and network; of the decisive
	 * classes. 0: always. The sensor's own always are. */
	uint64_t common, decisive;
};

/* Which classes are refused at this size of the log. */
enum room_state { ROOM_FOR_ALL, ROOM_FOR_DECISIVE, ROOM_FOR_OWN };

/*
 * "auto", a size, or "N%" of the file system: how much of it must stay free. False: it is none of
 * these.
 */
bool room_parse_free(const char *text, uint64_t disk_bytes, uint64_t *ret_bytes);
/* disk: NULL if it is not known. */
void room_measure(const struct conf *conf, const struct log *log, const struct room_disk *disk,
		  struct room *ret_room);
/* No error of a write. */
#define ROOM_REFUSED (-ENOBUFS)
/* ROOM_REFUSED if a record of this kind, of so many bytes, is not to be taken. */
int room_take(const struct room *room, const struct log *log, unsigned int kind, size_t len);
/* It is the sensor's own. */
bool room_is_own(unsigned int kind);
enum room_state room_state(const struct room *room, const struct log *log);
int room_read_disk(const char *dir, struct room_disk *ret_disk);

#endif
