/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/keyring.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/complain.h"
#include "responder/file.h"
#include "responder/memory.h"
#include <string.h>

/* Keys of one bucket, linked through `next`; ids are hashes already. */
struct seal_index {
	size_t *first, *next;
	size_t next_cap;
};

#define BUCKETS	    4096
#define CHANGES_MAX (1u << 28) /* bytes of a list; what is behind is not read */

void keyring_fini(struct keyring *ring)
{
	if (ring->index) {
		free(ring->index->first);
		free(ring->index->next);
	}
	free(ring->index);
	free(ring->v);
	*ring = (struct keyring){};
}

static size_t bucket_of(const uint8_t id[4])
{
	return (id[0] << 8 | id[1]) % BUCKETS;
}

static size_t find(const struct keyring *ring, const struct note_key *key)
{
	if (!ring->index)
		return KEYRING_NONE;
	for (size_t i = ring->index->first[bucket_of(key->id)]; i != KEYRING_NONE;
	     i = ring->index->next[i])
		if (note_key_equal(&ring->v[i].key, key))
			return i;
	return KEYRING_NONE;
}

static struct seal_index *new_index(void)
{
	struct seal_index *index = memory_zalloc(sizeof(*index));

	index->first = memory_zalloc(BUCKETS * sizeof(*index->first));
	for (size_t i = 0; i < BUCKETS; i++)
		index->first[i] = KEYRING_NONE;
	return index;
}

static size_t add(struct keyring *ring, const struct keyring_key *key)
{
	size_t at = ring->cnt, bucket = bucket_of(key->key.id);

	if (!ring->index)
		ring->index = new_index();
	ring->v = memory_grow(ring->v, ring->cnt, &ring->cap, sizeof(*ring->v));
	ring->index->next = memory_grow(ring->index->next, at, &ring->index->next_cap,
					sizeof(*ring->index->next));
	ring->v[ring->cnt++] = *key;
	ring->index->next[at] = ring->index->first[bucket];
	ring->index->first[bucket] = at;
	return at;
}

void keyring_add_trusted(struct keyring *ring, const struct note_key *key)
{
	size_t at = find(ring, key);

	if (at != KEYRING_NONE)
		ring->v[at].is_trusted = true;
	else
		add(ring, &(struct keyring_key){.key = *key,
						.is_trusted = true,
						.before = KEYRING_NONE,
						.after = KEYRING_NONE,
						.since_ns = INT64_MIN});
}

int keyring_load_trusted(struct keyring *ring, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[NOTE_VKEY_SIZE + 2];
	struct note_key key;
	size_t before = ring->cnt;

	if (!f)
		return log_err(-errno, "cannot read the key %s", path);
	while (fgets(line, sizeof(line), f)) {
		size_t len = strcspn(line, "\r\n");

		if (!len || *line == '#')
			continue;
		if (note_key_parse(line, len, &key))
			return complain(-EINVAL,
					"%s: \"%.60s\" is no key: want NAME+ID+BASE64, a line as "
					"it is in sensor.pub",
					path, line);
		keyring_add_trusted(ring, &key);
	}
	if (ferror(f))
		return log_err(-EIO, "cannot read the key %s", path);
	return ring->cnt > before ? 0 : complain(-EINVAL, "%s: there is no key in it", path);
}

/* The key with the name and id of a signature whose signature holds, or (holds false) does not. */
static size_t find_signer(const struct keyring *ring, const struct note *note, bool holds)
{
	if (!ring->index)
		return KEYRING_NONE;
	for (size_t s = 0; s < note->sig_cnt; s++) {
		const struct note_signature *sig = &note->sigs[s];

		for (size_t i = ring->index->first[bucket_of(sig->id)]; i != KEYRING_NONE;
		     i = ring->index->next[i]) {
			const struct note_key *key = &ring->v[i].key;

			if (note_signature_is_of(sig, key) && note_verify(note, key) == holds)
				return i;
		}
	}
	return KEYRING_NONE;
}

size_t keyring_signer(const struct keyring *ring, const struct note *note)
{
	return find_signer(ring, note, true);
}

bool keyring_is_forged(const struct keyring *ring, const struct note *note)
{
	return find_signer(ring, note, false) != KEYRING_NONE;
}

size_t keyring_change(struct keyring *ring, const struct note *note, const struct seal *seal)
{
	size_t from, to;

	if (!seal->has_next || !note_verify(note, &seal->next))
		return KEYRING_NONE;
	from = keyring_signer(ring, note);
	to = find(ring, &seal->next);
	if (from == KEYRING_NONE || from == to)
		return KEYRING_NONE;
	/* A key is changed once, and one key comes by one change: who has the newest cannot rewrite
	 * how it came. */
	if (ring->v[from].after != KEYRING_NONE && ring->v[from].after != to)
		return KEYRING_NONE;
	if (to != KEYRING_NONE && ring->v[to].has_change &&
	    (ring->v[to].before != from || ring->v[to].size != seal->size ||
	     memcmp(ring->v[to].run_id, seal->run_id.at, UUID_LEN) ||
	     memcmp(&ring->v[to].root, &seal->root, sizeof(seal->root))))
		return KEYRING_NONE;
	if (to == KEYRING_NONE)
		to = add(ring, &(struct keyring_key){.key = seal->next,
						     .before = from,
						     .after = KEYRING_NONE,
						     .since_ns = INT64_MIN});
	ring->v[from].after = to;
	ring->v[to].before = from;
	/* A key is no older than the one that named it, whatever that one says. */
	ring->v[to].since_ns =
		MAX(ring->v[to].since_ns, MAX(ring->v[from].since_ns, seal->time_unix_nano));
	ring->v[to].has_change = true;
	memcpy(ring->v[to].run_id, seal->run_id.at, UUID_LEN);
	ring->v[to].size = seal->size;
	ring->v[to].root = seal->root;
	return to;
}

bool keyring_is_before(const struct keyring_key *k, const struct seal *seal)
{
	if (k->has_change && note_span_is(seal->run_id, k->run_id))
		return seal->size <= k->size;
	return seal->time_unix_nano < k->since_ns;
}

bool keyring_leads(const struct keyring *ring, size_t from, size_t to)
{
	/* So many steps at most: what is read from outside could be a circle. */
	for (size_t i = 0; i <= ring->cnt && from != KEYRING_NONE; i++) {
		from = ring->v[from].after;
		if (from == to)
			return true;
	}
	return false;
}

void keyring_take_changes(struct keyring *ring, const char *changes, size_t len)
{
	struct note_span text = {changes, len}, span;

	while (note_take_note(&text, &span)) {
		struct note note;
		struct seal seal;

		if (!seal_read(span, &note, &seal))
			keyring_change(ring, &note, &seal);
	}
}

int keyring_load_changes(struct keyring *ring, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err = file_read(path, CHANGES_MAX, &text, &len);

	if (err)
		return err == -ENOENT ? err : log_err(err, "cannot read %s", path);
	keyring_take_changes(ring, text, len);
	return 0;
}
