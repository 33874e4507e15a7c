/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the kind of source by its name. */
#include "responder/source.h"
#include "evidence/base.h"
#include "responder/bundle.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/progress.h"
#include <errno.h>
#include <string.h>

#define KAFKA_SCHEME "kafka://"

static int open_one(const char *name, const struct source_opts *opts, struct source **ret_src)
{
	if (source_is_kafka(name))
		return source_kafka_open(name + strlen(KAFKA_SCHEME), opts, ret_src);
	if (strstr(name, "://"))
		return complain(-EINVAL,
				"%s: neither a log directory nor a bundle nor "
				"kafka://host:port[,host:port]",
				name);
	if (opts->follow && (!strcmp(name, "-") || bundle_is(name)))
		return complain(-EINVAL, "%s: only a log directory and Kafka can be followed",
				name);
	if (!strcmp(name, "-"))
		return source_stdin_open(ret_src);
	if (opts->follow)
		return source_dir_follow(name, opts->follow_since_ns, ret_src);
	return bundle_is(name) ? source_bundle_open(name, ret_src) : source_dir_open(name, ret_src);
}

int source_open(const char *name, const struct source_opts *opts, struct source **ret_src)
{
	struct source_opts alone = *opts;
	const char **names;
	int err;

	alone.more_cnt = 0;
	if (!opts->more_cnt)
		return open_one(name, &alone, ret_src);
	names = memory_zalloc((1 + opts->more_cnt) * sizeof(*names));
	names[0] = name;
	memcpy(&names[1], opts->more, opts->more_cnt * sizeof(*names));
	err = source_many_open(names, 1 + opts->more_cnt, &alone, ret_src);
	free(names);
	return err;
}

int source_next(struct source *src, struct source_item *ret_item)
{
	int err = src->type->next(src, ret_item);

	if (err || ret_item->what == SOURCE_END)
		progress_done();
	else
		progress_step(ret_item->what == SOURCE_DAMAGE ? 0 : ret_item->len);
	return err;
}

int source_rewind(struct source *src)
{
	return src->type->rewind(src);
}

int source_outline_but(struct source *src, unsigned int partition, const struct log_range *whole,
		       size_t cnt)
{
	return src->type->outline ? src->type->outline(src, partition, whole, cnt) : -ENOTSUP;
}

int source_outline(struct source *src, const struct log_range *whole, size_t cnt)
{
	return source_outline_but(src, 0, whole, cnt);
}

int source_read_all(struct source *src)
{
	static const struct log_range all = {0, UINT64_MAX};
	int err = 0;

	if (src->type->part)
		return src->type->part(src, NULL);
	if (!src->type->outline)
		return source_rewind(src);
	for (unsigned int i = 0; i < src->partition_cnt && !err; i++)
		err = src->type->outline(src, i, &all, 1);
	return err;
}

int source_kafka_part(struct source *src, const struct source_part *part)
{
	return src->type->part ? src->type->part(src, part) : -ENOTSUP;
}

int source_is_kafka(const char *name)
{
	return !strncmp(name, KAFKA_SCHEME, strlen(KAFKA_SCHEME));
}

void source_close(struct source *src)
{
	if (src)
		src->type->close(src);
}
