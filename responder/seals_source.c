/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/seals_source.h"
#include "evidence/base.h"
#include "evidence/decoder.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "responder/bundle.h"
#include "responder/memory.h"
#include "responder/options.h"
#include <string.h>

#define KEYS_MAX (256u << 20)

/* The changes that a bundle has. */
static int load_bundle_keys(const char *path, struct keyring *keys)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err = bundle_read(path, BUNDLE_KEYS, KEYS_MAX, &text, &len);

	if (err)
		return err == -ENOENT ? 0 : err;
	keyring_take_changes(keys, text, len);
	return 0;
}

static int load_directory_keys(const char *dir, struct keyring *keys)
{
	_cleanup_free_ char *old = memory_printf("%s/sensor.keys.old", dir);
	_cleanup_free_ char *own = memory_printf("%s/sensor.keys", dir);
	int err = keyring_load_changes(keys, old);

	if (!err || err == -ENOENT)
		err = keyring_load_changes(keys, own);
	return err == -ENOENT ? 0 : err;
}

static int load_own_keys(const char *source, struct keyring *keys)
{
	if (source_is_kafka(source) || !strcmp(source, "-"))
		return 0;
	return bundle_is(source) ? load_bundle_keys(source, keys)
				 : load_directory_keys(source, keys);
}

int seals_source_keys(const struct options *opts, struct keyring *keys)
{
	int err = 0;

	for (size_t i = 0; i < opts->key_file_cnt && !err; i++)
		err = keyring_load_trusted(keys, opts->key_files[i]);
	if (err)
		return err;
	if (opts->changes_file) {
		err = keyring_load_changes(keys, opts->changes_file);
		return err == -ENOENT ? log_err(err, "cannot read %s", opts->changes_file) : err;
	}
	for (size_t i = 0; i < opts->source_cnt && !err; i++)
		err = load_own_keys(opts->sources[i], keys);
	return err;
}

bool seals_source_has_bundle(const struct options *opts)
{
	for (size_t i = 0; i < opts->source_cnt; i++)
		if (bundle_is(opts->sources[i]))
			return true;
	return false;
}

void seals_source_check_bundles(const struct options *opts, struct seals *seals)
{
	for (size_t i = 0; i < opts->source_cnt; i++)
		if (bundle_is(opts->sources[i]) && bundle_check_sums(opts->sources[i]))
			seals_damage(seals, "the bundle's files are not those of " BUNDLE_SUMS,
				     false);
}

/* The last item of each partition: a hash stands for the record behind it. */
struct place {
	char run_id[UUID_LEN + 1];
	uint64_t sequence;
};

struct places {
	struct place *v;
	size_t cnt, cap;
};

static struct place *enter_partition(struct places *p, unsigned int partition)
{
	while (p->cnt <= partition) {
		p->v = memory_grow(p->v, p->cnt, &p->cap, sizeof(*p->v));
		p->v[p->cnt++] = (struct place){};
	}
	return &p->v[partition];
}

static void take_leaf(struct seals *seals, struct place *at, const struct source_item *item)
{
	struct tree_hash leaf;

	memcpy(&leaf, item->payload, sizeof(leaf));
	seals_take_leaf(seals, at->run_id, ++at->sequence, &leaf);
}

static void take_record(struct seals *seals, struct place *at, struct decoder *d,
			const struct source_item *item)
{
	const Varve__V1__Event *ev = decoder_event(d, item->payload, item->len);

	if (!ev) {
		seals_damage(seals, "a record that is no event", false);
		return;
	}
	snprintf(at->run_id, sizeof(at->run_id), "%s", ev->run_id);
	at->sequence = ev->sequence;
	seals_take(seals, ev, item->payload, item->len);
}

int seals_source_read(struct source *src, struct seals *seals)
{
	struct places places = {};
	struct source_item item;
	struct decoder *d;
	int err;

	if (decoder_new(&d))
		memory_exhausted();
	src->with_leaves = 1;
	while (!(err = source_next(src, &item)) && item.what != SOURCE_END) {
		struct place *at = enter_partition(&places, item.partition);

		if (item.what == SOURCE_LEAF)
			take_leaf(seals, at, &item);
		else if (item.what == SOURCE_RECORD)
			take_record(seals, at, d, &item);
		else
			seals_damage(seals, item.where, item.at_tail);
	}
	decoder_free(d);
	free(places.v);
	return err;
}
