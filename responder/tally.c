/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/tally.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include "responder/printed.h"
#include <inttypes.h>
#include <string.h>

#define NOTE_MAX 512 /* bytes of one */

void tally_init(struct tally *t, size_t max)
{
	*t = (struct tally){.max = max};
}

void tally_fini(struct tally *t)
{
	for (struct tally_entry *e = t->first, *next; e; e = next) {
		next = e->next;
		free(e->text);
		free(e->notes);
		free(e->by);
		free(e->by_uid);
		free(e);
	}
	strmap_fini(&t->entries);
	*t = (struct tally){};
}

struct tally_entry *tally_find(const struct tally *t, const char *key)
{
	return strmap_find(&t->entries, key);
}

static struct tally_entry *make(struct tally *t, const char *key, const char *text, int64_t ns)
{
	struct tally_entry *e;
	size_t len = strlen(key) + strlen(text);

	if (t->cnt >= t->max || t->bytes + len > TALLY_BYTES)
		return NULL;
	e = memory_zalloc(sizeof(*e));
	e->text = memory_strdup(text);
	e->first_ns = e->last_ns = ns;
	strmap_add(&t->entries, key, e);
	if (t->last)
		t->last->next = e;
	else
		t->first = e;
	t->last = e;
	t->cnt++;
	t->bytes += len;
	return e;
}

static void set_by(struct tally_entry *e, const Varve__V1__Process *p)
{
	struct printed text;

	if (!p || !p->process_uid || e->by_others)
		return;
	if (e->by_uid) {
		e->by_others = strcmp(e->by_uid, p->process_uid);
		return;
	}
	FILE *out = printed_begin(&text);

	fprintf(out, "%" PRIu32 " ", p->pid);
	describe_text(out, p->name, p->has_name_raw, p->name_raw);
	e->by = printed_end(&text);
	e->by_uid = memory_strdup(p->process_uid);
}

struct tally_entry *tally_add(struct tally *t, const char *key, const char *text, int64_t ns,
			      uint64_t cnt, const Varve__V1__Process *p)
{
	struct tally_entry *e = tally_find(t, key);

	if (!e)
		e = make(t, key, text ? text : key, ns);
	t->total += cnt;
	if (!e) {
		t->left_out += cnt;
		return NULL;
	}
	e->cnt += cnt;
	e->first_ns = MIN(e->first_ns, ns);
	e->last_ns = MAX(e->last_ns, ns);
	set_by(e, p);
	return e;
}

static bool has_note(const struct tally_entry *e, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = e->notes; p && (p = strstr(p, text)); p += len)
		if ((p == e->notes || p[-1] == ' ') && (!p[len] || p[len] == ','))
			return true;
	return false;
}

void tally_note(struct tally *t, struct tally_entry *e, const char *text)
{
	char *longer;

	if (!e || e->note_cnt > TALLY_NOTES || has_note(e, text))
		return;
	if (e->note_cnt++ == TALLY_NOTES || t->bytes + strlen(text) > TALLY_BYTES)
		text = "...";
	longer = memory_printf("%s%s%.*s%s", e->notes ? e->notes : "", e->notes ? ", " : "",
			       NOTE_MAX, text, strlen(text) > NOTE_MAX ? "..." : "");
	t->bytes += strlen(longer) - (e->notes ? strlen(e->notes) : 0);
	free(e->notes);
	e->notes = longer;
}

static int by_weight(const void *a, const void *b)
{
	const struct tally_entry *x = *(const struct tally_entry *const *)a;
	const struct tally_entry *y = *(const struct tally_entry *const *)b;
	uint64_t x_bytes = x->sent + x->received, y_bytes = y->sent + y->received;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x_bytes != y_bytes)
		return x_bytes > y_bytes ? -1 : 1;
	if (x->cnt != y->cnt)
		return x->cnt > y->cnt ? -1 : 1;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return strcmp(x->text, y->text);
}

const struct tally_entry **tally_sorted(const struct tally *t)
{
	const struct tally_entry **v = memory_zalloc((t->cnt + 1) * sizeof(struct tally_entry *));
	size_t n = 0;

	for (const struct tally_entry *e = t->first; e; e = e->next)
		v[n++] = e;
	qsort(v, n, sizeof(struct tally_entry *), by_weight);
	return v;
}
