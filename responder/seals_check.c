/* SPDX-License-Identifier: Apache-2.0 */
/* One seal: whose it is, which key signed it, what it follows, and whether its tree is ours. */
#include "evidence/base.h"
#include "responder/seals_impl.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

/* --- who signed */

/* The change of keys that the record repeats, and the key that it leads to. */
static size_t repeated_change(struct seals *s, const Varve__V1__Event *ev, struct seal *ret_change)
{
	struct note note;

	if (seal_read(note_span_of(ev->seal->last_change), &note, ret_change))
		return KEYRING_NONE;
	return keyring_change(s->keys, &note, ret_change);
}

/* It was to stand right here, and found no room: behind the last seal of this run, or at the end of
 * the run before. */
static bool is_change_of_here(const struct run *r, const struct seal *change)
{
	const struct live *live = r->live;

	if (note_span_is(change->run_id, r->pub.run_id))
		return live->has_seal
			       ? change->number == live->seal_number + 1 && change->has_previous &&
					 !memcmp(&change->previous, &live->seal_leaf,
						 sizeof(change->previous))
			       : !change->number;
	return !live->has_seal && r->named && note_span_is(change->run_id, r->named->pub.run_id) &&
	       change->size <= r->named->pub.next;
}

static size_t find_signer(struct seals *s, const struct run *r, const struct note *note,
			  const struct seal *seal)
{
	size_t signer = keyring_signer(s->keys, note);

	/* Nothing is trusted: the first key that is met stands for what follows, and for no more.
	 */
	if (signer == KEYRING_NONE && s->is_trusting && r->node->key == KEYRING_NONE &&
	    seal->has_next && note_verify(note, &seal->next)) {
		keyring_add_trusted(s->keys, &seal->next);
		signer = keyring_signer(s->keys, note);
	}
	return signer;
}

/* The first seal of a node here. */
static bool is_first_turn(struct seals *s, struct run *r, const struct seal *seal, size_t signer)
{
	const struct keyring_key *k = &s->keys->v[signer];

	if (keyring_is_before(k, seal)) {
		seals_found(s, r, SEALS_KEY_NEWER,
			    "seal %" PRIu64 " is signed by a key that was not yet there",
			    seal->number);
		return false;
	}
	if (r->names_none && k->before != KEYRING_NONE)
		seals_found(s, r, SEALS_RUN_MISSING,
			    "it names no run before it, but its key followed others");
	return true;
}

/* True: this key may sign here. */
static bool is_its_turn(struct seals *s, struct run *r, const struct seal *seal, size_t signer,
			bool is_repeated)
{
	const struct keyring_key *keys = s->keys->v;
	size_t now = r->node->key;
	/* A change may be among what is missing: that is told, see tell_change(). */
	bool has_hole = r->live->is_broken || !r->live->is_known || !r->live->has_seal;

	if (now == KEYRING_NONE)
		return is_first_turn(s, r, seal, signer);
	if (signer == now || (is_repeated && keys[signer].before == now) ||
	    (has_hole && keyring_leads(s->keys, now, signer)))
		return true;
	/* Another log directory, told as SEALS_ANEW: its first key has never been replaced. */
	if (!r->live->has_seal && r->names_none && keys[signer].is_trusted &&
	    keys[signer].after == KEYRING_NONE && keys[signer].before == KEYRING_NONE)
		return true;
	if (keyring_leads(s->keys, now, signer))
		seals_found(s, r, SEALS_KEY_NEWER,
			    "seal %" PRIu64 " is signed by a key that came later", seal->number);
	else if (keyring_leads(s->keys, signer, now) || keys[signer].after != KEYRING_NONE)
		seals_found(s, r, SEALS_KEY_REPLACED,
			    "seal %" PRIu64 " is signed by a key that had been replaced",
			    seal->number);
	else
		seals_found(s, r, SEALS_KEY_UNKNOWN,
			    "seal %" PRIu64 " is signed by another key than those before it",
			    seal->number);
	return false;
}

/* The key is this node's; or the node's that has another name now, whose run this one goes on from.
 */
static bool is_own_key(const struct seals *s, const struct run *r, size_t signer)
{
	const struct keyring_key *k = &s->keys->v[signer];

	if (!strcmp(k->key.name, r->node->key_name))
		return true;
	/* Or the first key of all, made when the node was called otherwise and nothing was
	 * recorded. */
	return !r->live->has_seal && (r->names_none ? k->is_trusted && k->before == KEYRING_NONE
						    : r->named && r->named->node->key == signer);
}

static bool check_signature(struct seals *s, struct run *r, const Varve__V1__Event *ev,
			    const struct note *note, const struct seal *seal)
{
	struct seal change;
	size_t repeated = repeated_change(s, ev, &change), signer = find_signer(s, r, note, seal),
	       next;

	if (signer == KEYRING_NONE && s->is_trusting)
		return true; /* by whom nobody can say: only whether it all fits */
	if (signer == KEYRING_NONE) {
		if (keyring_is_forged(s->keys, note))
			seals_found(s, r, SEALS_FORGED,
				    "the signature of seal %" PRIu64 " does not hold",
				    seal->number);
		else
			seals_found(s, r, SEALS_KEY_UNKNOWN,
				    "seal %" PRIu64
				    " is signed by a key that no trusted one leads to",
				    seal->number);
		return false;
	}
	if (!is_own_key(s, r, signer)) {
		seals_found(s, r, SEALS_SEAL_FOREIGN, "seal %" PRIu64 " is signed by a key of %s",
			    seal->number, s->keys->v[signer].key.name);
		return false;
	}
	if (!is_its_turn(s, r, seal, signer,
			 repeated != KEYRING_NONE && repeated == signer &&
				 is_change_of_here(r, &change)))
		return false;
	if (r->node->first_key == KEYRING_NONE)
		r->node->first_key = signer;
	r->node->key = signer;
	if (!seal->has_next)
		return true;
	next = keyring_change(s->keys, note, seal);
	if (next == KEYRING_NONE && !note_verify(note, &seal->next)) {
		seals_found(s, r, SEALS_SEAL_INVALID,
			    "seal %" PRIu64 " names a next key that did not sign it", seal->number);
		return false;
	}
	/* Nothing trusted: the next key is the one that was taken. */
	r->node->key = next == KEYRING_NONE ? signer : next;
	return true;
}

/* --- what it says */

static bool read_seal(struct seals *s, struct run *r, const Varve__V1__Event *ev,
		      struct note *ret_note, struct seal *ret_seal)
{
	if (seal_read(note_span_of(ev->seal->note), ret_note, ret_seal)) {
		seals_found_range(s, r, SEALS_SEAL_INVALID, ev->sequence, ev->sequence,
				  "it is no signed note of a seal");
		return false;
	}
	if (!note_span_is(ret_seal->run_id, r->pub.run_id) ||
	    !note_span_is(ret_seal->key_name, r->node->key_name)) {
		seals_found_range(s, r, SEALS_SEAL_FOREIGN, ev->sequence, ev->sequence,
				  "it is a seal of %.*s, run %.*s", (int)ret_seal->key_name.len,
				  ret_seal->key_name.at, (int)ret_seal->run_id.len,
				  ret_seal->run_id.at);
		return false;
	}
	if (ret_seal->size != ev->sequence) {
		seals_found_range(s, r, SEALS_SEAL_INVALID, ev->sequence, ev->sequence,
				  "it seals the records before %" PRIu64, ret_seal->size);
		return false;
	}
	return true;
}

static void check_order(struct seals *s, struct run *r, const struct seal *seal)
{
	const struct live *live = r->live;
	uint64_t number = live->has_seal ? live->seal_number + 1 : 0;

	/* What is missing, or before the beginning, has been told. */
	if (live->is_broken || !live->is_known) {
		if (live->has_seal && seal->number < number)
			seals_found(s, r, SEALS_SEAL_ORDER,
				    "seal %" PRIu64 " follows seal %" PRIu64, seal->number,
				    live->seal_number);
		return;
	}
	if (seal->number != number || seal->has_previous != live->has_seal ||
	    (live->has_seal && (memcmp(&seal->previous, &live->seal_leaf, sizeof(seal->previous)) ||
				seal->first != live->seal_sequence)))
		seals_found(s, r, SEALS_SEAL_ORDER,
			    "seal %" PRIu64 " is not the one that follows here", seal->number);
}

static void check_time(struct seals *s, struct run *r, const struct seal *seal)
{
	const struct live *live = r->live;
	char at[WHEN_LEN], span[WHEN_LEN];

	if (!live->has_seal)
		return;
	if (seal->boot_time_nano < live->seal_boot_ns)
		seals_found(s, r, SEALS_TIME,
			    "boot time of seal %" PRIu64 " is before seal %" PRIu64, seal->number,
			    live->seal_number);
	else if (seal->time_unix_nano < live->seal_time_ns)
		seals_found(s, r, SEALS_CLOCK, "by %s, before seal %" PRIu64 " (%s)",
			    when_format_span(live->seal_time_ns - seal->time_unix_nano, span),
			    seal->number, when_format(seal->time_unix_nano, at));
}

/* True: the records since the last seal are those that are sealed. */
static bool check_root(struct seals *s, struct run *r, const Varve__V1__Event *ev,
		       const struct seal *seal)
{
	struct live *live = r->live;
	struct tree_hash root;
	bool good = false;

	if (live->is_known) {
		tree_root(&live->tree, &root);
		good = !memcmp(&root, &seal->root, sizeof(root));
		if (!good)
			seals_found_range(s, r, SEALS_CHANGED,
					  MAX(r->pub.sealed_size, r->pub.first), seal->size - 1,
					  "at least one of them, as seal %" PRIu64 " shows",
					  seal->number);
	}
	if (!good) {
		live->is_known = seal_tree_of_record(seal, ev->seal, &live->tree);
		if (!live->is_known)
			seals_found_range(s, r, SEALS_SEAL_INVALID, ev->sequence, ev->sequence,
					  "its frontier is not that of its root");
	}
	seals_compare_expected(r);
	return good;
}

/* What came since the last seal that holds. */
static void settle(struct seals *s, struct run *r, const struct seal *seal, bool good)
{
	bool is_head = !r->live->has_seal && r->is_first && r->pub.first;

	if (!is_head || r->live->is_broken) {
		seals_pods_settle(s, r->live, good ? SEALS_SETTLE_SEALED : SEALS_SETTLE_BROKEN);
		return;
	}
	/* Before the first seal of evidence that begins in the middle nothing can be compared. */
	seals_pods_settle(s, r->live, SEALS_SETTLE_UNKNOWN);
	if (r->pub.first < seal->size && r->live->unsealed_last_ns >= s->since_ns)
		seals_found_range(s, r, SEALS_HEAD, r->pub.first, seal->size - 1,
				  "the first seal here cannot tell whether they are as they were");
}

bool seals_check(struct seals *s, struct run *r, const Varve__V1__Event *ev)
{
	struct live *live = r->live;
	struct note note;
	struct seal seal;
	bool good;

	if (!read_seal(s, r, ev, &note, &seal) || !check_signature(s, r, ev, &note, &seal))
		return false;
	check_order(s, r, &seal);
	check_time(s, r, &seal);
	good = check_root(s, r, ev, &seal) && !live->is_broken;
	settle(s, r, &seal, good);
	seals_nothing_unsealed(live);
	live->is_broken = false;
	live->has_seal = true;
	live->seal_number = seal.number;
	live->seal_sequence = ev->sequence;
	live->seal_time_ns = seal.time_unix_nano;
	live->seal_boot_ns = seal.boot_time_nano;
	r->pub.seal_cnt++;
	r->pub.sealed_size = ev->sequence + 1;
	r->pub.sealed_ns = seal.time_unix_nano;
	r->pub.is_final = seal.final;
	return true;
}
