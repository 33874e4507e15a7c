/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process belongs to the subtree if it is its root, or a parent or an ancestor that the record
 * names belongs to it: an orphan that somebody took in is still remembered by its own uid.
 */
#include "responder/filter.h"
#include "evidence/base.h"
#include "evidence/note.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/nearest.h"
#include "responder/parts.h"
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* --- the options */

static int no_kind(const char *word)
{
	struct nearest n = {};

	for (unsigned int i = 0; i < FILTER_KIND_MAX; i++)
		if (event_kind_name(i))
			nearest_offer(&n, word, event_kind_name(i));
	_cleanup_free_ char *nearest = nearest_take_text(&n);

	return complain(-EINVAL, "--kind \"%s\": there is no such kind%s", word, nearest);
}

static int add_kind(struct filter_opts *o, const char *word)
{
	for (unsigned int i = 0; i < FILTER_KIND_MAX; i++) {
		if (event_kind_name(i) && !strcasecmp(event_kind_name(i), word)) {
			o->kinds[i] = true;
			return 0;
		}
	}
	return no_kind(word);
}

static int no_class(const char *word)
{
	struct nearest n = {};

	for (unsigned int i = 0; event_class_name(i); i++)
		nearest_offer(&n, word, event_class_name(i));
	nearest_offer(&n, word, "sensor");
	_cleanup_free_ char *nearest = nearest_take_text(&n);

	return complain(-EINVAL, "--class \"%s\": there is no such class%s", word, nearest);
}

static int add_class(struct filter_opts *o, const char *word)
{
	bool any = false;

	for (unsigned int i = 0; i < FILTER_KIND_MAX; i++) {
		const char *class = event_kind_class(i);

		if (class && !strcasecmp(class, word))
			o->kinds[i] = any = true;
	}
	return any ? 0 : no_class(word);
}

static int each_word(struct filter_opts *o, const char *value,
		     int (*add)(struct filter_opts *o, const char *word))
{
	o->by_kind = true;
	for (;;) {
		size_t len = strcspn(value, ",");
		_cleanup_free_ char *word = memory_printf("%.*s", (int)len, value);
		int err = add(o, word);

		if (err || !value[len])
			return err;
		value += len + 1;
	}
}

int filter_set_kind(struct filter_opts *o, const char *value)
{
	if (o->kind_words)
		return complain(-EINVAL, "--kind is given twice: want --kind A,B");
	o->kind_words = value;
	return each_word(o, value, add_kind);
}

int filter_set_class(struct filter_opts *o, const char *value)
{
	if (o->class_words)
		return complain(-EINVAL, "--class is given twice: want --class A,B");
	o->class_words = value;
	return each_word(o, value, add_class);
}

int filter_set_process(struct filter_opts *o, const char *value)
{
	uint64_t pid;

	o->pid = 0;
	o->process_uid = NULL;
	if (note_parse_number((struct note_span){value, strlen(value)}, &pid)) {
		if (pid && pid <= UINT32_MAX) {
			o->pid = pid;
			return 0;
		}
	} else if (strlen(value) == UUID_LEN &&
		   strspn(value, "0123456789abcdefABCDEF-") == UUID_LEN) {
		o->process_uid = value;
		return 0;
	}
	return complain(-EINVAL,
			"--process \"%s\": want a pid, or a process_uid as records have it", value);
}

int filter_set_path(struct filter_opts *o, const char *value)
{
	if (!*value)
		return complain(-EINVAL, "--path \"\": want a path, or a pattern such as /tmp/*");
	o->path = value;
	return 0;
}

int filter_set_result(struct filter_opts *o, const char *value)
{
	if (strcmp(value, "ok") && strcmp(value, "failed"))
		return complain(-EINVAL, "--result \"%s\": want ok or failed", value);
	o->result = *value == 'o' ? FILTER_OK : FILTER_FAILED;
	return 0;
}

int filter_set_limit(struct filter_opts *o, const char *value)
{
	o->limited = true;
	if (note_parse_number((struct note_span){value, strlen(value)}, &o->limit))
		return 0;
	return complain(-EINVAL, "--limit \"%s\": want a number of records", value);
}

/* --- the records */

void filter_init(struct filter *f, const struct filter_opts *opts)
{
	*f = (struct filter){.opts = opts};
}

void filter_fini(struct filter *f)
{
	strmap_fini(&f->processes);
	*f = (struct filter){};
}

static bool has_process(const struct filter *f, const char *uid)
{
	return uid && strmap_find(&f->processes, uid);
}

static bool is_wanted(const struct filter_opts *o, bool has_pid, uint32_t pid, const char *uid)
{
	return o->pid ? has_pid && pid == o->pid : uid && !strcasecmp(uid, o->process_uid);
}

/* Some are known by what they began only. */
static bool is_below(const struct filter *f, const Varve__V1__Process *p)
{
	const struct filter_opts *o = f->opts;

	if (p->parent && (has_process(f, p->parent->process_uid) ||
			  is_wanted(o, p->parent->has_pid, p->parent->pid, p->parent->process_uid)))
		return true;
	for (size_t i = 0; i < p->n_ancestry; i++)
		if (has_process(f, p->ancestry[i]->process_uid) ||
		    is_wanted(o, p->ancestry[i]->has_pid, p->ancestry[i]->pid,
			      p->ancestry[i]->process_uid))
			return true;
	return false;
}

static bool in_subtree(struct filter *f, const Varve__V1__Process *p)
{
	if (!p || !p->process_uid)
		return false;
	if (has_process(f, p->process_uid))
		return true;
	bool root = is_wanted(f->opts, p->has_pid, p->pid, p->process_uid);

	if (!root && !is_below(f, p))
		return false;
	if (f->processes.cnt >= FILTER_PROCESSES || strlen(p->process_uid) > UUID_LEN) {
		f->overflowed = true;
		return true;
	}
	f->root_cnt += root;
	strmap_add(&f->processes, p->process_uid, f);
	return true;
}

bool filter_path_matches(const char *glob, const char *path, size_t len)
{
	char *s = memory_printf("%.*s", (int)MIN(len, 65536u), path);
	const char *last = strrchr(s, '/');
	bool matches =
		!fnmatch(glob, s, 0) || (!strchr(glob, '/') && last && !fnmatch(glob, last + 1, 0));

	free(s);
	return matches;
}

static bool is_path(const struct part *part, void *ctx)
{
	return part->what == PARTS_PATH && filter_path_matches(ctx, part->s, part->len);
}

static bool passes(struct filter *f, const Varve__V1__Event *ev)
{
	const struct filter_opts *o = f->opts;
	unsigned int kind = ev->body_case;

	/* First: what forked where must be learnt, whatever else is asked for. */
	if ((o->pid || o->process_uid) && !in_subtree(f, ev->process))
		return false;
	if (o->by_kind && (kind >= FILTER_KIND_MAX || !o->kinds[kind]))
		return false;
	if (o->result && parts_failed(ev) != (o->result == FILTER_FAILED))
		return false;
	return !o->path || parts_each(ev, is_path, (void *)o->path);
}

bool filter_takes(struct filter *f, const Varve__V1__Event *ev)
{
	f->seen_cnt++;
	if (!passes(f, ev))
		return false;
	f->passed_cnt++;
	if (f->opts->limited && f->shown_cnt >= f->opts->limit)
		return false;
	f->shown_cnt++;
	return true;
}

/* --- in words */

static bool leaves_out(const struct filter_opts *o)
{
	return o->by_kind || o->pid || o->process_uid || o->path || o->result;
}

bool filter_is_on(const struct filter_opts *opts)
{
	return leaves_out(opts) || opts->limited;
}

char *filter_words(const struct filter_opts *o)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		memory_exhausted();
	if (o->kind_words)
		fprintf(out, " --kind %s", o->kind_words);
	if (o->class_words)
		fprintf(out, " --class %s", o->class_words);
	if (o->pid)
		fprintf(out, " --process %u", o->pid);
	if (o->process_uid)
		fprintf(out, " --process %s", o->process_uid);
	if (o->path)
		fprintf(out, " --path %s", o->path);
	if (o->result)
		fprintf(out, " --result %s", o->result == FILTER_OK ? "ok" : "failed");
	if (o->limited)
		fprintf(out, " --limit %" PRIu64, o->limit);
	if (fclose(out))
		memory_exhausted();
	memmove(text, text + !!len, len ? len : 1);
	return text;
}

char *filter_summary(const struct filter *f)
{
	_cleanup_free_ char *words = filter_words(f->opts);
	_cleanup_free_ char *more = NULL;

	if (!filter_is_on(f->opts))
		return NULL;
	if (f->passed_cnt > f->shown_cnt)
		more = memory_printf("; %" PRIu64 " more would be", f->passed_cnt - f->shown_cnt);
	return memory_printf(
		"a filter was applied (%s): %" PRIu64 " of %" PRIu64 " records are shown%s%s%s%s",
		words, f->shown_cnt, f->seen_cnt, more ? more : "",
		(f->opts->pid || f->opts->process_uid) && !f->processes.cnt
			? "; no process here is it (pids are the node's, not the container's)"
			: "",
		f->root_cnt > 1 ? "; more than one process had this pid: all are shown, "
				  "--process UID chooses one"
				: "",
		f->overflowed ? "; more processes than can be remembered: some that "
				"they began may be left out"
			      : "");
}
