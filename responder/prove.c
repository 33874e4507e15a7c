/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve prove: one record, with what shows that it was sealed. Reads up to the first seal behind
 * it: what is before the record is in the frontier of the tree there, what is behind it is less
 * than a period.
 */
#include "responder/proof.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/decoder.h"
#include "evidence/event.h"
#include "evidence/seal.h"
#include "responder/commands.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include <inttypes.h>
#include <string.h>

#define BEHIND_MAX (1u << 24) /* records between the record and its seal; 512 MiB of hashes */

struct prove {
	const char *run_id;
	uint64_t sequence;
	struct tree tree; /* of the run so far; if is_known */
	bool is_known;
	struct tree before; /* of what is before the record; of that size: it was found */
	struct tree_hash *behind;
	size_t behind_cnt, behind_cap;
	struct proof proof;
	char *checkpoint;
	bool is_found, is_done;
};

/* The root of leaves that lie behind the record. */
static struct tree_hash root_behind(const struct prove *p, const struct tree_range *range)
{
	struct tree_hash root;
	struct tree t;

	tree_init(&t);
	for (uint64_t i = range->from; i < range->to; i++)
		tree_add(&t, &p->behind[i - p->sequence - 1]);
	tree_root(&t, &root);
	return root;
}

/* The subtree before the record that begins there: one of the frontier. */
static struct tree_hash root_before(const struct prove *p, const struct tree_range *range)
{
	return p->before.nodes[__builtin_ctzll(range->to - range->from)];
}

static void make_proof(struct prove *p, uint64_t size)
{
	struct tree_range ranges[TREE_PROOF_MAX];

	p->proof.index = p->sequence;
	p->proof.hash_cnt = tree_proof_ranges(p->sequence, size, ranges);
	for (size_t i = 0; i < p->proof.hash_cnt; i++)
		p->proof.hashes[i] = ranges[i].from > p->sequence ? root_behind(p, &ranges[i])
								  : root_before(p, &ranges[i]);
}

/* A seal of the run. Behind the record: the one that proves it, if the tree is the same. */
static int take_seal(struct prove *p, const Varve__V1__Event *ev)
{
	struct tree_hash root;
	struct note note;
	struct seal seal;

	if (seal_read(note_span_of(ev->seal->note), &note, &seal) || seal.size != ev->sequence ||
	    !note_span_is(seal.run_id, p->run_id))
		return 0;
	if (!p->is_found) {
		if (!p->is_known)
			p->is_known = seal_tree_of_record(&seal, ev->seal, &p->tree);
		return 0;
	}
	tree_root(&p->tree, &root);
	if (memcmp(&root, &seal.root, sizeof(root)))
		return complain(-EBADMSG,
				"the records up to the seal behind it (%" PRIu64
				") are not those that were sealed: varve verify says more",
				ev->sequence);
	make_proof(p, seal.size);
	p->checkpoint = memory_strdup(ev->seal->note);
	p->proof.checkpoint = note_span_of(p->checkpoint);
	p->is_done = true;
	return 0;
}

static int find(struct prove *p, const struct source_item *item)
{
	if (!p->is_known)
		return complain(-EBADMSG,
				"records before it are missing, since the last seal or since the "
				"run began: nothing can be proven");
	p->is_found = true;
	p->before = p->tree;
	p->proof.payload = memory_zalloc(item->len);
	memcpy(p->proof.payload, item->payload, item->len);
	p->proof.payload_len = item->len;
	return 0;
}

static int take(struct prove *p, const Varve__V1__Event *ev, const struct source_item *item)
{
	struct tree_hash leaf;
	int err = 0;

	if (p->is_known && ev->sequence < p->tree.size)
		return 0; /* again */
	if (p->is_known && ev->sequence > p->tree.size) {
		p->is_known = false;
		if (p->is_found)
			return complain(
				-EBADMSG,
				"records %" PRIu64 " to %" PRIu64
				", between it and its seal, are missing: nothing can be proven",
				p->tree.size, ev->sequence - 1);
	}
	if (ev->body_case == VARVE__V1__EVENT__BODY_SEAL)
		err = take_seal(p, ev);
	if (!err && !p->is_done && !p->is_found && ev->sequence == p->sequence)
		err = find(p, item);
	if (err || p->is_done || !p->is_known)
		return err;
	tree_leaf_hash(item->payload, item->len, &leaf);
	tree_add(&p->tree, &leaf);
	if (!p->is_found || ev->sequence == p->sequence)
		return 0;
	if (p->behind_cnt == BEHIND_MAX)
		return complain(-EFBIG, "there is no seal among the %u records behind it",
				BEHIND_MAX);
	p->behind = memory_grow(p->behind, p->behind_cnt, &p->behind_cap, sizeof(*p->behind));
	p->behind[p->behind_cnt++] = leaf;
	return 0;
}

static int read_source(struct source *src, struct prove *p)
{
	struct source_item item;
	struct decoder *d;
	int err = 0;

	if (decoder_new(&d))
		memory_exhausted();
	while (!err && !p->is_done && !(err = source_next(src, &item)) && item.what != SOURCE_END) {
		const Varve__V1__Event *ev =
			item.what == SOURCE_RECORD ? decoder_event(d, item.payload, item.len)
						   : NULL;

		err = ev && !strcmp(ev->run_id, p->run_id) ? take(p, ev, &item) : 0;
	}
	decoder_free(d);
	return err;
}

static int write_proof(const struct prove *p, const char *path)
{
	_cleanup_free_ char *own = NULL;
	FILE *f;

	if (!path)
		path = own = memory_printf("%s-%" PRIu64 PROOF_SUFFIX, p->run_id, p->sequence);
	f = fopen(path, "we");
	if (!f)
		return log_err(-errno, "cannot write %s", path);
	proof_write(f, &p->proof);
	if (fclose(f))
		return log_err(-errno, "cannot write %s", path);
	fprintf(stderr, "varve: record %" PRIu64 " of run %s, and its proof: %s\n", p->sequence,
		p->run_id, path);
	return 0;
}

static int prove(struct source *src, struct prove *p, const char *path)
{
	int err = read_source(src, p);

	if (err == -EBADMSG || err == -EFBIG)
		return EXIT_INCOMPLETE;
	if (err)
		return EXIT_IO;
	if (!p->is_found)
		return complain(EXIT_USAGE, "there is no record %" PRIu64 " of run %s", p->sequence,
				p->run_id);
	if (!p->is_done)
		return complain(EXIT_UNKNOWN, "no seal is behind it (yet): nothing can be proven");
	return write_proof(p, path) ? EXIT_IO : EXIT_OK;
}

int cmd_prove(const struct options *opts, FILE *out)
{
	struct prove p = {
		.run_id = opts->event_run, .sequence = opts->event_sequence, .is_known = true};
	struct source *src;
	int status;

	(void)out;
	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	status = prove(src, &p, opts->out_file);
	source_close(src);
	proof_fini(&p.proof);
	free(p.checkpoint);
	free(p.behind);
	return status;
}
