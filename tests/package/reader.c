/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader DIRECTORY: an index, sequence and kind of each record of a log, by the installed library;
 * C, and C++. "damage FILE OFFSET" where there is some.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <varve/evidence.h>
#include <varve/varve.pb-c.h>

static int print_record(const struct varve_record *r)
{
	Varve__V1__Event *ev = varve__v1__event__unpack(NULL, r->len, r->payload);

	if (!ev)
		return -EBADMSG;
	printf("%" PRIu64 " %" PRIu64 " %s\n", r->index, (uint64_t)ev->sequence, ev->kind);
	varve__v1__event__free_unpacked(ev, NULL);
	return 0;
}

static int print_log(struct varve_log *log)
{
	struct varve_damage damage;
	struct varve_record r;
	int err;

	for (;;) {
		err = varve_log_next(log, &r);
		if (err == 1)
			err = print_record(&r);
		else if (!err)
			break;
		if (err == -EBADMSG && varve_log_damage(log, &damage)) {
			printf("damage %s %" PRIu64 "\n", damage.file, damage.offset);
			err = 0;
		}
		if (err)
			return err;
	}
	if (varve_log_damage(log, &damage))
		printf("damage %s %" PRIu64 "\n", damage.file, damage.offset);
	return 0;
}

int main(int argc, char **argv)
{
	struct varve_log *log = NULL;
	int err = argc == 2 ? varve_log_open(argv[1], 0, &log) : -EINVAL;

	if (!err)
		err = print_log(log);
	varve_log_close(log);
	if (err)
		printf("%s\n", strerror(-err));
	return err ? 1 : 0;
}
