/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/seal.h"
#include "evidence/base.h"
#include "evidence/base64.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define PREFIX "varve/"

int seal_key_name(const char *node_name, char ret_name[NOTE_NAME_MAX + 1])
{
	size_t len = strlen(PREFIX);

	memcpy(ret_name, PREFIX, len);
	for (const char *c = node_name; *c; c++) {
		bool plain = isascii((unsigned char)*c) &&
			     (isalnum((unsigned char)*c) || strchr("-._~", *c));

		if (len + 3 > NOTE_NAME_MAX)
			return -ENAMETOOLONG;
		if (plain)
			ret_name[len++] = *c;
		else
			len += sprintf(ret_name + len, "%%%02X", (unsigned char)*c);
	}
	ret_name[len] = '\0';
	return 0;
}

/* --- to text */

struct writer {
	char *buf;
	size_t size, len;
	bool full;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->buf + w->len, w->size - w->len, format, args);
	va_end(args);
	if (w->full || n < 0 || (size_t)n >= w->size - w->len)
		w->full = true;
	else
		w->len += n;
}

static void put_hash(struct writer *w, const char *before, const struct tree_hash *hash)
{
	char b64[BASE64_LEN(TREE_HASH_LEN) + 1];

	base64_encode(hash, TREE_HASH_LEN, b64);
	put(w, "%s%s\n", before, b64);
}

int seal_format(const struct seal *s, char *buf, size_t size, size_t *ret_len)
{
	struct writer w = {.buf = buf, .size = size};
	char vkey[NOTE_VKEY_SIZE];

	put(&w, "%.*s/%.*s\n%" PRIu64 "\n", (int)s->key_name.len, s->key_name.at,
	    (int)s->run_id.len, s->run_id.at, s->size);
	put_hash(&w, "", &s->root);
	put(&w, "seal %" PRIu64 "\nrecords %" PRIu64 " %" PRIu64 "\ntime %" PRId64 " %" PRIu64 "\n",
	    s->number, s->first, s->size - 1, s->time_unix_nano, s->boot_time_nano);
	if (s->has_previous)
		put_hash(&w, "previous ", &s->previous);
	for (size_t i = 0; i < s->count_cnt; i++)
		put(&w, "count %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->counts[i].event_class,
		    s->counts[i].recorded, s->counts[i].lost, s->counts[i].suppressed);
	if (s->has_next) {
		note_key_format(&s->next, vkey);
		put(&w, "next-key %s\n", vkey);
	}
	if (s->final)
		put(&w, "final\n");
	*ret_len = w.len;
	return w.full ? -EMSGSIZE : 0;
}

/* --- from text */

/* Takes the next word of a line; words are parted by one space. */
static bool take_word(struct note_span *line, struct note_span *ret_word)
{
	const char *space;

	if (!line->len)
		return false;
	space = memchr(line->at, ' ', line->len);
	*ret_word = (struct note_span){line->at, space ? (size_t)(space - line->at) : line->len};
	line->at += MIN(ret_word->len + 1, line->len);
	line->len -= MIN(ret_word->len + 1, line->len);
	return ret_word->len;
}

static bool take_number(struct note_span *line, uint64_t *ret)
{
	struct note_span word;

	return take_word(line, &word) && note_parse_number(word, ret);
}

/* "varve/NODE/RUN" */
static bool parse_origin(struct note_span origin, struct seal *s)
{
	const char *slash = memrchr(origin.at, '/', origin.len);
	size_t prefix = strlen(PREFIX);

	for (size_t i = 0; i < origin.len; i++)
		if (origin.at[i] <= ' ' || origin.at[i] > '~')
			return false;
	if (!slash || slash - origin.at <= (ptrdiff_t)prefix || memcmp(origin.at, PREFIX, prefix))
		return false;
	s->key_name = (struct note_span){origin.at, slash - origin.at};
	s->run_id = (struct note_span){slash + 1, origin.at + origin.len - slash - 1};
	return s->run_id.len == UUID_LEN && s->key_name.len <= NOTE_NAME_MAX;
}

enum line { LINE_SEAL = 1, LINE_RECORDS = 2, LINE_TIME = 4, LINE_ALL = 7 };

static bool parse_count(struct note_span line, struct seal *s)
{
	struct seal_count *c = &s->counts[s->count_cnt];
	struct note_span name;

	if (s->count_cnt == SEAL_CLASSES_MAX || !take_word(&line, &name) ||
	    name.len >= sizeof(c->event_class))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] != '_' && !islower((unsigned char)name.at[i]))
			return false;
	memcpy(c->event_class, name.at, name.len);
	c->event_class[name.len] = '\0';
	s->count_cnt++;
	return take_number(&line, &c->recorded) && take_number(&line, &c->lost) &&
	       take_number(&line, &c->suppressed) && !line.len;
}

static bool parse_time(struct note_span line, struct seal *s)
{
	uint64_t unix_nano;

	if (!take_number(&line, &unix_nano) || unix_nano > INT64_MAX ||
	    !take_number(&line, &s->boot_time_nano))
		return false;
	s->time_unix_nano = unix_nano;
	return !line.len;
}

static bool parse_records(struct note_span line, struct seal *s)
{
	uint64_t last;

	return s->size <= TREE_SIZE_MAX && take_number(&line, &s->first) &&
	       take_number(&line, &last) && !line.len && s->size && last == s->size - 1 &&
	       s->first <= last;
}

/* One extension line; *seen gets what it is. False: it is not as it must be, or there twice. */
static bool parse_line(struct note_span line, struct seal *s, unsigned int *seen)
{
	struct note_span word;
	unsigned int what = 0;
	bool good = true;

	if (!take_word(&line, &word))
		return false;
	if (note_span_is(word, "seal")) {
		what = LINE_SEAL;
		good = take_number(&line, &s->number) && !line.len;
	} else if (note_span_is(word, "records")) {
		what = LINE_RECORDS;
		good = parse_records(line, s);
	} else if (note_span_is(word, "time")) {
		what = LINE_TIME;
		good = parse_time(line, s);
	} else if (note_span_is(word, "previous")) {
		good = !s->has_previous &&
		       base64_decode_exactly(line.at, line.len, &s->previous, TREE_HASH_LEN);
		s->has_previous = true;
	} else if (note_span_is(word, "count")) {
		good = parse_count(line, s);
	} else if (note_span_is(word, "next-key")) {
		good = !s->has_next && !note_key_parse(line.at, line.len, &s->next);
		s->has_next = true;
	} else if (note_span_is(word, "final")) {
		good = !s->final && !line.len;
		s->final = true;
	}
	good = good && !(*seen & what);
	*seen |= what;
	return good;
}

int seal_parse(struct note_span text, struct seal *ret_seal)
{
	struct checkpoint c;
	struct note_span line;
	unsigned int seen = 0;

	*ret_seal = (struct seal){};
	if (checkpoint_parse(text, &c) || !parse_origin(c.origin, ret_seal))
		return -EINVAL;
	ret_seal->size = c.size;
	ret_seal->root = c.root;
	while (note_take_line(&c.extensions, &line))
		if (!parse_line(line, ret_seal, &seen))
			return -EINVAL;
	return seen == LINE_ALL ? 0 : -EINVAL;
}

int seal_read(struct note_span text, struct note *ret_note, struct seal *ret_seal)
{
	int err = note_parse(text.at, text.len, ret_note);

	return err ? err : seal_parse(ret_note->text, ret_seal);
}

bool seal_tree(const struct seal *seal, const struct tree_hash *frontier, size_t cnt,
	       struct tree *ret_tree)
{
	struct tree_hash root;
	struct tree tree;

	if (!tree_from_frontier(seal->size, frontier, cnt, &tree))
		return false;
	tree_root(&tree, &root);
	if (memcmp(&root, &seal->root, sizeof(root)))
		return false;
	*ret_tree = tree;
	return true;
}

bool seal_tree_of_record(const struct seal *seal, const Varve__V1__Seal *record,
			 struct tree *ret_tree)
{
	struct tree_hash frontier[TREE_LEVELS];

	if (record->n_frontier > TREE_LEVELS)
		return false;
	for (size_t i = 0; i < record->n_frontier; i++) {
		if (record->frontier[i].len != TREE_HASH_LEN)
			return false;
		memcpy(&frontier[i], record->frontier[i].data, TREE_HASH_LEN);
	}
	return seal_tree(seal, frontier, record->n_frontier, ret_tree);
}
