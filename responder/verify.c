/* SPDX-License-Identifier: Apache-2.0 */
/* varve verify: whether the records are those that the sensor sealed. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/json.h"
#include "evidence/text.h"
#include "responder/bundle.h"
#include "responder/commands.h"
#include "responder/complain.h"
#include "responder/file.h"
#include "responder/json_line.h"
#include "responder/memory.h"
#include "responder/proof.h"
#include "responder/seals.h"
#include "responder/seals_source.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>

#define PROOF_MAX	(4u << 20) /* bytes of a file: a record of a MiB in base64, and more */
#define CHECKPOINTS_MAX (16u << 20)
#define SAME_MAX	10 /* findings of one kind that are printed of a run */

struct verify {
	FILE *out;
	bool as_json;
	bool is_broken, is_open;
	uint64_t cnt[SEALS_KIND_CNT]; /* since the last run ended */
	uint64_t run_cnt, record_cnt, finding_cnt;
};

/* --- as text */

static const char *verdict_of_run(const struct seals_run *run)
{
	return run->is_broken ? "BROKEN" : run->is_open ? "OPEN" : "AUTHENTIC";
}

static const char *verdict_of_pod(const struct seals_pod *p)
{
	if (p->broken_cnt || p->spans_broken)
		return "BROKEN";
	return p->sealed_cnt < p->record_cnt || p->is_cut ? "OPEN" : "AUTHENTIC";
}

static void print_finding(FILE *out, const struct seals_finding *f)
{
	fprintf(out, "%-12s", seals_finding_name(f->kind));
	if (f->run)
		fprintf(out, "  run %.8s", f->run->run_id);
	if (f->has_range && f->from == f->to)
		fprintf(out, "  record %" PRIu64, f->from);
	else if (f->has_range)
		fprintf(out, "  records %" PRIu64 "-%" PRIu64, f->from, f->to);
	fputs(*f->text ? "  " : "", out);
	text_print_escaped(out, f->text, strlen(f->text));
	fputc('\n', out);
}

static void print_run(FILE *out, const struct seals_run *run)
{
	char from[WHEN_LEN], to[WHEN_LEN];

	fprintf(out, "run %s of ", run->run_id);
	text_print_escaped(out, run->node, strlen(run->node));
	fprintf(out, ": %s to %s, %" PRIu64 " records", when_format(run->first_ns, from),
		when_format(run->last_ns, to), run->record_cnt);
	if (run->hidden_cnt)
		fprintf(out, " and the hashes of %" PRIu64 " others", run->hidden_cnt);
	fprintf(out, ", %" PRIu64 " seals: %s\n", run->seal_cnt, verdict_of_run(run));
}

static void print_pod(FILE *out, const struct seals_pod *p)
{
	const char *name = p->name ? p->name : p->uid;

	fputs("pod ", out);
	text_print_escaped(out, name, strlen(name));
	if (p->name) {
		fputs(" (", out);
		text_print_escaped(out, p->uid, strlen(p->uid));
		fputc(')', out);
	}
	fprintf(out, ": %" PRIu64 " records, %" PRIu64 " sealed: %s\n", p->record_cnt,
		p->sealed_cnt, verdict_of_pod(p));
}

/* --- as JSON */

static void json_finding(FILE *out, const struct seals_finding *f)
{
	json_t *j = json_pack("{s:s}", "finding", seals_finding_name(f->kind));

	if (f->run)
		json_object_set_new(j, "run", json_line_text(f->run->run_id));
	if (f->has_range) {
		json_object_set_new(j, "from", json_integer(f->from));
		json_object_set_new(j, "to", json_integer(f->to));
	}
	if (*f->text)
		json_object_set_new(j, "text", json_line_text(f->text));
	json_line_print(out, j);
}

static void json_run(FILE *out, const struct seals_run *run)
{
	json_line_print(
		out,
		json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:b, s:s}",
			  "run", json_line_text(run->run_id), "node", json_line_text(run->node),
			  "from", json_line_time(run->first_ns), "to", json_line_time(run->last_ns),
			  "first_sequence", (json_int_t)run->first, "records",
			  (json_int_t)run->record_cnt, "hashes", (json_int_t)run->hidden_cnt,
			  "seals", (json_int_t)run->seal_cnt, "sealed_size",
			  (json_int_t)run->sealed_size, "sealed_until",
			  json_line_time(run->sealed_ns), "final_seal", run->is_final,
			  "closed_by_next", run->is_closed, "verdict", verdict_of_run(run)));
}

static void json_pod(FILE *out, const struct seals_pod *p)
{
	json_line_print(out, json_pack("{s:o, s:o, s:I, s:I, s:I, s:s}", "pod",
				       json_line_text(p->name), "uid", json_line_text(p->uid),
				       "records", (json_int_t)p->record_cnt, "sealed",
				       (json_int_t)p->sealed_cnt, "broken",
				       (json_int_t)p->broken_cnt, "verdict", verdict_of_pod(p)));
}

/* --- while reading */

static void finding(const struct seals_finding *f, void *ctx)
{
	struct verify *v = ctx;

	v->is_broken |= f->kind <= SEALS_LAST_BROKEN;
	v->is_open |= f->kind > SEALS_LAST_BROKEN && f->kind <= SEALS_LAST_UNKNOWN;
	v->finding_cnt++;
	if (v->cnt[f->kind]++ >= SAME_MAX)
		return;
	if (v->as_json)
		json_finding(v->out, f);
	else
		print_finding(v->out, f);
}

/* How many were not printed. */
static void print_rest(struct verify *v)
{
	for (unsigned int kind = 0; kind < SEALS_KIND_CNT; kind++) {
		uint64_t more = v->cnt[kind] - MIN(v->cnt[kind], (uint64_t)SAME_MAX);

		v->cnt[kind] = 0;
		if (!more)
			continue;
		if (v->as_json)
			json_line_print(v->out,
					json_pack("{s:s, s:I}", "finding", seals_finding_name(kind),
						  "more", (json_int_t)more));
		else
			fprintf(v->out, "%-12s  and %" PRIu64 " more like these\n",
				seals_finding_name(kind), more);
	}
}

static void run_ended(const struct seals_run *run, void *ctx)
{
	struct verify *v = ctx;

	v->run_cnt++;
	v->record_cnt += run->record_cnt;
	print_rest(v);
	if (v->as_json)
		json_run(v->out, run);
	else
		print_run(v->out, run);
}

/* --- the verdict */

static void print_pods(struct verify *v, const struct seals *seals)
{
	const struct seals_pod *pods;
	size_t cnt = seals_pods(seals, &pods);

	for (size_t i = 0; i < cnt; i++) {
		v->is_broken |= pods[i].broken_cnt || pods[i].spans_broken;
		if (v->as_json)
			json_pod(v->out, &pods[i]);
		else
			print_pod(v->out, &pods[i]);
	}
	if (seals_pods_left_out(seals))
		log_warn("%" PRIu64 " records are of pods that there was no room for",
			 seals_pods_left_out(seals));
}

static int conclude(struct verify *v, bool has_key)
{
	const char *verdict = v->is_broken ? "BROKEN"
			      : !has_key   ? "UNAUTHENTICATED"
			      : v->is_open ? "OPEN"
					   : "AUTHENTIC";

	if (v->as_json)
		json_line_print(v->out,
				json_pack("{s:s, s:I, s:I, s:b}", "verdict", verdict, "runs",
					  (json_int_t)v->run_cnt, "records",
					  (json_int_t)v->record_cnt, "authenticated", has_key));
	else
		fprintf(v->out, "%s: %" PRIu64 " runs, %" PRIu64 " records%s%s\n", verdict,
			v->run_cnt, v->record_cnt,
			has_key ? "" : "; without --key nobody knows who sealed them",
			!has_key && v->is_open && !v->is_broken ? ", and the last run is open"
								: "");
	if (v->is_broken)
		return EXIT_INCOMPLETE;
	return v->is_open || !has_key ? EXIT_UNKNOWN : EXIT_OK;
}

/* --- one record and its proof */

/* All of a file that is no longer than most. Errors are told. */
static int read_file(const char *path, size_t most, char **ret_text, size_t *ret_len)
{
	int err = file_read(path, most + 1, ret_text, ret_len);

	if (err)
		return log_err(err, "cannot read %s", path);
	return *ret_len > most ? complain(-EMSGSIZE, "%s is too long", path) : 0;
}

/* What speaks against the proof; NULL: nothing. */
static const char *check_proof(const struct proof *p, const struct keyring *keys, bool *ret_known,
			       Varve__V1__Event **ret_ev)
{
	char key_name[NOTE_NAME_MAX + 1];
	size_t signer;
	struct tree_hash leaf;
	struct note note;
	struct seal seal;

	if (seal_read(p->checkpoint, &note, &seal))
		return "its checkpoint is no seal";
	tree_leaf_hash(p->payload, p->payload_len, &leaf);
	if (!tree_verify_inclusion(&leaf, p->index, seal.size, p->hashes, p->hash_cnt, &seal.root))
		return "the record is not in the tree of its checkpoint";
	*ret_ev = event_decode(p->payload, p->payload_len);
	if (!*ret_ev)
		return "what it proves is no event";
	if ((*ret_ev)->sequence != p->index || !note_span_is(seal.run_id, (*ret_ev)->run_id))
		return "the record is of another run or place than its checkpoint";
	if (seal_key_name((*ret_ev)->node_name, key_name) || !note_span_is(seal.key_name, key_name))
		return "the record is of another node than its checkpoint";
	signer = keyring_signer(keys, &note);
	*ret_known = signer != KEYRING_NONE;
	if (*ret_known && strcmp(keys->v[signer].key.name, key_name))
		return "its checkpoint is signed by another node";
	if (*ret_known && keyring_is_before(&keys->v[signer], &seal))
		return "its checkpoint is signed by a key that was not yet there";
	if (!*ret_known && keyring_is_forged(keys, &note))
		return "the signature of its checkpoint does not hold";
	return NULL;
}

static int verify_proof(const char *path, const struct keyring *keys, bool as_json, FILE *out)
{
	_cleanup_free_ char *text = NULL;
	Varve__V1__Event *ev = NULL;
	const char *wrong, *verdict;
	bool is_known = false;
	struct proof p;
	size_t len;

	if (read_file(path, PROOF_MAX, &text, &len))
		return EXIT_IO;
	if (proof_parse(text, len, &p))
		return complain(EXIT_INCOMPLETE, "%s is no proof with a record in it", path);
	wrong = check_proof(&p, keys, &is_known, &ev);
	verdict = wrong ? "BROKEN" : is_known ? "AUTHENTIC" : "UNAUTHENTICATED";
	if (ev && !wrong && !as_json) {
		json_print(out, &ev->base);
		fputc('\n', out);
	}
	if (as_json)
		json_line_print(out, json_pack("{s:s, s:s}", "verdict", verdict, "text",
					       wrong ? wrong : ""));
	else
		fprintf(out, "%s: %s\n", verdict,
			wrong ? wrong
			: is_known
				? "the record is one that was sealed"
				: "no trusted key leads to the one that signed (--key, --changes)");
	varve__v1__event__free_unpacked(ev, NULL);
	proof_fini(&p);
	return wrong ? EXIT_INCOMPLETE : is_known ? EXIT_OK : EXIT_UNKNOWN;
}

/* --- checkpoints that were kept elsewhere */

/* A file may have several, as varve checkpoint prints them. */
static int expect(const struct options *opts, struct seals *seals, char **ret_texts)
{
	for (size_t i = 0; i < opts->checkpoint_file_cnt; i++) {
		const char *path = opts->checkpoint_files[i];
		struct note_span text, note;
		size_t cnt = 0;

		if (read_file(path, CHECKPOINTS_MAX, &ret_texts[i], &text.len))
			return -EIO;
		text.at = ret_texts[i];
		for (; note_take_note(&text, &note); cnt++)
			if (seals_expect(seals, note.at, note.len))
				break;
		if (!cnt || text.len)
			return complain(-EINVAL,
					"%s: no checkpoint of varve, or something behind it", path);
	}
	return 0;
}

int cmd_verify(const struct options *opts, FILE *out)
{
	static const struct seals_ops ops = {.finding = finding, .run_ended = run_ended};
	struct verify v = {.out = out, .as_json = opts->as_json};
	struct keyring keys = {};
	char **checkpoints;
	struct seals *seals;
	struct source *src;
	int status = EXIT_IO;

	if (opts->proof_file) {
		if (!seals_source_keys(opts, &keys))
			status = verify_proof(opts->proof_file, &keys, opts->as_json, out);
		keyring_fini(&keys);
		return status;
	}
	if (seals_source_keys(opts, &keys) ||
	    source_open(opts->source, &opts->source_opts, &src) < 0) {
		keyring_fini(&keys);
		return EXIT_IO;
	}
	seals = seals_new(&keys, !opts->key_file_cnt, opts->window.since_ns,
			  seals_source_has_bundle(opts) ? INT64_MIN : opts->window.until_ns, &ops,
			  &v);
	seals_source_check_bundles(opts, seals);
	checkpoints = memory_zalloc((opts->checkpoint_file_cnt + 1) * sizeof(*checkpoints));
	if (!expect(opts, seals, checkpoints) && !seals_source_read(src, seals)) {
		seals_end(seals);
		print_rest(&v);
		print_pods(&v, seals);
		status = conclude(&v, opts->key_file_cnt);
		if (!v.run_cnt && !v.finding_cnt)
			status = complain(EXIT_USAGE, "%s: there is no record", opts->source);
	}
	for (size_t i = 0; i < opts->checkpoint_file_cnt; i++)
		free(checkpoints[i]);
	free(checkpoints);
	seals_free(seals);
	source_close(src);
	keyring_fini(&keys);
	return status;
}
