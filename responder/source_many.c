/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several sources as one: of several nodes, or of one node in pieces or copies. Each is a strand of
 * its own for the merge, with partitions of its own.
 */
#include "evidence/base.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/merge.h"
#include "responder/source.h"
#include <string.h>

#define TURN_MAX 64 /* following: records of one, while others may have some, too */

struct part {
	struct source *src; /* NULL: it cannot be opened */
	unsigned int first_partition;
	char *name;
	bool is_told; /* since the last rewind, that it cannot be read */
};

struct source_many {
	struct source source;
	struct merge merge;
	struct part *parts;
	size_t cnt;
	bool follow;
	size_t turn;		/* following: who is asked next */
	unsigned int given_cnt; /* of its turn */
};

/* What is there of the one that could not be opened. */
static void tell_unopened(struct part *p, struct source_item *ret_item)
{
	*ret_item = (struct source_item){.what = p->is_told ? SOURCE_END : SOURCE_DAMAGE,
					 .partition = p->first_partition,
					 .where = p->name};
	p->is_told = true;
}

static int next_of(void *ctx, size_t strand, struct source_item *ret_item)
{
	struct source_many *many = ctx;
	struct part *p = &many->parts[strand];
	int err;

	if (!p->src) {
		tell_unopened(p, ret_item);
		return 0;
	}
	p->src->with_leaves = many->source.with_leaves;
	err = source_next(p->src, ret_item);
	if (!err)
		ret_item->partition += p->first_partition;
	return err;
}

/* SOURCE_WAIT: nobody has anything, or the first that was waited for has not. */
static int ask(struct source_many *many, bool wait, struct source_item *ret_item)
{
	for (size_t i = 0; i < many->cnt; i++) {
		struct part *p = &many->parts[many->turn];

		if (p->src)
			p->src->no_wait = !wait;
		int err = next_of(many, many->turn, ret_item);

		if (err)
			return err;
		bool is_wait = ret_item->what == SOURCE_WAIT;
		bool is_empty = is_wait || ret_item->what == SOURCE_END;

		if (is_empty || ++many->given_cnt == TURN_MAX) {
			many->turn = (many->turn + 1) % many->cnt;
			many->given_cnt = 0;
		}
		if (!is_empty || (wait && is_wait))
			return 0;
	}
	ret_item->what = SOURCE_WAIT;
	return 0;
}

/* Who has something gives it; only when nobody has is one of them waited for. */
static int follow_next(struct source_many *many, struct source_item *ret_item)
{
	int err = ask(many, false, ret_item);

	return err || ret_item->what != SOURCE_WAIT ? err : ask(many, true, ret_item);
}

static int source_many_next(struct source *source, struct source_item *ret_item)
{
	struct source_many *many = (struct source_many *)source;
	size_t strand;

	return many->follow ? follow_next(many, ret_item)
			    : merge_next(&many->merge, ret_item, &strand);
}

static void start_again(struct source_many *many)
{
	for (size_t i = 0; i < many->cnt; i++)
		many->parts[i].is_told = false;
	merge_rewind(&many->merge);
}

static int source_many_rewind(struct source *source)
{
	struct source_many *many = (struct source_many *)source;
	int err = 0;

	for (size_t i = 0; i < many->cnt && !err; i++)
		err = many->parts[i].src ? source_rewind(many->parts[i].src) : 0;
	start_again(many);
	return err;
}

/* Where one has no outline all of it is read. */
static int source_many_outline(struct source *source, unsigned int partition,
			       const struct log_range *whole, size_t cnt)
{
	struct source_many *many = (struct source_many *)source;
	int err = 0;

	for (size_t i = 0; i < many->cnt && !err; i++) {
		struct part *p = &many->parts[i];
		bool is_meant = p->src && partition - p->first_partition < p->src->partition_cnt;

		if (!p->src)
			continue;
		/* The whole of one does not take back what was said of another. */
		if (cnt && !is_meant)
			err = source_rewind(p->src);
		else
			err = source_outline_but(p->src, partition - p->first_partition, whole,
						 cnt);
		if (err == -ENOTSUP)
			err = source_rewind(p->src);
	}
	start_again(many);
	return err;
}

static void source_many_close(struct source *source)
{
	struct source_many *many = (struct source_many *)source;

	for (size_t i = 0; i < many->cnt; i++) {
		source_close(many->parts[i].src);
		free(many->parts[i].name);
	}
	free(many->parts);
	merge_fini(&many->merge);
	free(many);
}

/* How many were opened. */
static size_t open_all(struct source_many *many, const char *const *names,
		       const struct source_opts *opts, int *ret_err)
{
	size_t opened = 0;

	for (size_t i = 0; i < many->cnt; i++) {
		struct part *p = &many->parts[i];
		int err = source_open(names[i], opts, &p->src);

		if (err) {
			p->src = NULL;
			*ret_err = err;
		}
		opened += !err;
		p->name = memory_strdup(names[i]);
		p->first_partition = many->source.partition_cnt;
		many->source.partition_cnt += p->src ? p->src->partition_cnt : 1;
	}
	return opened;
}

static int check_names(const char *const *names, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(names[i], names[k]))
				return complain(-EINVAL, "%s: is named twice", names[i]);
	return 0;
}

int source_many_open(const char *const *names, size_t cnt, const struct source_opts *opts,
		     struct source **ret_src)
{
	static const struct source_type type = {
		.next = source_many_next,
		.rewind = source_many_rewind,
		.outline = source_many_outline,
		.close = source_many_close,
	};
	int err = check_names(names, cnt);

	if (err)
		return err;
	struct source_many *many = memory_zalloc(sizeof(*many));

	many->source.type = &type;
	many->cnt = cnt;
	many->follow = opts->follow;
	many->parts = memory_zalloc(cnt * sizeof(*many->parts));
	merge_init(&many->merge, cnt, next_of, many);
	if (!open_all(many, names, opts, &err)) {
		source_many_close(&many->source);
		return err;
	}
	*ret_src = &many->source;
	return 0;
}
