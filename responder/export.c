/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve export: the records of a pod with what proves them, and what a person wants to read, as one
 * file. Of the node, everything from the seal before the pod's first record to the seal behind its
 * last is in it: the pod's records and the sensor's own as they are, of others' the leaf hash.
 */
#include "evidence/base.h"
#include "evidence/decoder.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/tree.h"
#include "responder/bundle.h"
#include "responder/commands.h"
#include "responder/complain.h"
#include "responder/coverage.h"
#include "responder/file.h"
#include "responder/json_line.h"
#include "responder/learn.h"
#include "responder/memory.h"
#include "responder/replay.h"
#include "responder/select.h"
#include "responder/strmap.h"
#include "responder/verdict.h"
#include "responder/views/view.h"
#include "responder/when.h"
#include <ftw.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#define VIEW_CNT  4
#define START_MAX 200000 /* records of a run before the pod's first: 7 MB of hashes */

/* The pod's records in a run. */
struct wanted {
	uint64_t first, last;
};

/* What of a node is in the bundle. */
struct part {
	char first_run[UUID_LEN + 1], last_run[UUID_LEN + 1];
	uint64_t from; /* sequence in the first run */
	uint64_t to; /* in the last; UINT64_MAX: its last one, and up to the first seal of the next
			run */
	bool is_in, is_over, has_left_last;
};

struct export
{
	const struct options *opts;
	struct history *h;
	struct strmap wanted; /* by run */
	struct strmap uids;   /* of the pods that are selected */
	struct strmap parts;  /* by node */
	char dir[64];
	uint64_t record_cnt, leaf_cnt;
	const struct part *only;   /* that is being written */
	char run_id[UUID_LEN + 1]; /* of the item written last, and the sequence behind it */
	uint64_t next;
	FILE *records; /* of the bundle */
	struct replay_views views;
	struct replay_view view[VIEW_CNT];
	struct coverage *coverage;
	uint64_t viewed_cnt;
	int verdict, seals; /* exit status of replay and verify */
	int64_t began_ns;
};

/* --- which part */

static void want(struct export *x)
{
	for (const struct history_container *c = x->h->containers; c; c = c->next) {
		for (const struct history_stream *s = c->streams; c->selected && s; s = s->next) {
			struct wanted *w = strmap_find(&x->wanted, s->run->id);

			if (!w) {
				w = memory_zalloc(sizeof(*w));
				w->first = UINT64_MAX;
				strmap_add(&x->wanted, s->run->id, w);
			}
			w->first = MIN(w->first, s->first);
			w->last = MAX(w->last, s->last);
		}
	}
}

static void want_pods(struct export *x)
{
	struct select_pod *pods;
	size_t cnt = select_list_pods(x->h, &pods);

	for (size_t i = 0; i < cnt; i++)
		if (!strmap_find(&x->uids, pods[i].uid))
			strmap_add(&x->uids, pods[i].uid, x);
	free(pods);
}

static bool is_seal(const Varve__V1__Event *ev)
{
	return ev->body_case == VARVE__V1__EVENT__BODY_SEAL;
}

static void find_part(struct export *x, const Varve__V1__Event *ev)
{
	const struct wanted *w = strmap_find(&x->wanted, ev->run_id);
	struct part *p;

	if (!w)
		return;
	p = strmap_find(&x->parts, ev->node_name);
	if (!p) {
		p = memory_zalloc(sizeof(*p));
		snprintf(p->first_run, sizeof(p->first_run), "%s", ev->run_id);
		p->from = ev->sequence;
		strmap_add(&x->parts, ev->node_name, p);
	}
	if (strcmp(p->last_run, ev->run_id)) {
		snprintf(p->last_run, sizeof(p->last_run), "%s", ev->run_id);
		p->to = UINT64_MAX;
	}
	if (!is_seal(ev))
		return;
	/* From the run's start, with what the sensor said of itself there, if that is not too long.
	 */
	if (!strcmp(p->first_run, ev->run_id) && ev->sequence <= w->first &&
	    (p->from || w->first > START_MAX))
		p->from = ev->sequence;
	if (ev->sequence > w->last && p->to == UINT64_MAX)
		p->to = ev->sequence;
}

/* Whether the record lies in its node's part. */
static bool is_in_part(struct part *p, const Varve__V1__Event *ev)
{
	bool is_last = !strcmp(p->last_run, ev->run_id);

	if (p->is_over)
		return false;
	if (!p->is_in)
		p->is_in = !strcmp(p->first_run, ev->run_id) && ev->sequence >= p->from;
	if (!p->is_in)
		return false;
	if (is_last) {
		p->has_left_last = true;
		p->is_over = p->to != UINT64_MAX && ev->sequence >= p->to;
	} else if (p->has_left_last) {
		/* The run that closes the last one: up to its first seal. */
		p->is_over = is_seal(ev);
	}
	return true;
}

static bool is_shown(const struct export *x, const Varve__V1__Event *ev)
{
	if (ev->container) {
		const struct history_container *c = learn_find_container(x->h, ev);

		return c && c->selected;
	}
	/* The sensor's own; what the node's own processes did (scope all) is nobody else's. */
	if (event_kind_label(ev->body_case))
		return false;
	return !ev->pod || !ev->pod->uid || strmap_find(&x->uids, ev->pod->uid);
}

/* --- files */

static FILE *make_file(const struct export *x, const char *name)
{
	_cleanup_free_ char *path = memory_printf("%s/%s", x->dir, name);
	FILE *f = fopen(path, "wex");

	if (!f)
		log_err(-errno, "cannot write %s", path);
	return f;
}

static int finish_file(FILE *f, const char *name)
{
	bool bad = ferror(f);

	return fclose(f) || bad ? complain(-EIO, "cannot write %s", name) : 0;
}

static void write_item(FILE *out, uint8_t what, const void *data, size_t len)
{
	uint8_t head[5] = {what, len >> 24, len >> 16, len >> 8, len};

	fwrite(head, 1, sizeof(head), out);
	fwrite(data, 1, len, out);
}

/*
 * An item without a record stands for the next record of the run before it: where that does not fit
 * (records are missing in the source) it is left out, and the check says so.
 */
static void write_record(struct export *x, FILE *out, const Varve__V1__Event *ev,
			 const struct source_item *item)
{
	struct part *p = strmap_find(&x->parts, ev->node_name);
	bool is_next = !strcmp(x->run_id, ev->run_id) && ev->sequence == x->next;
	struct tree_hash leaf;

	if (p != x->only || !is_in_part(p, ev))
		return;
	/* Kafka may have it again. */
	if (!strcmp(x->run_id, ev->run_id) && ev->sequence < x->next)
		return;
	if (is_shown(x, ev)) {
		write_item(out, BUNDLE_RECORD, item->payload, item->len);
		x->record_cnt++;
	} else if (is_next) {
		tree_leaf_hash(item->payload, item->len, &leaf);
		write_item(out, BUNDLE_LEAF, &leaf, sizeof(leaf));
		x->leaf_cnt++;
	} else {
		return;
	}
	snprintf(x->run_id, sizeof(x->run_id), "%s", ev->run_id);
	x->next = ev->sequence + 1;
}

typedef int (*take_fn)(struct export *x, const Varve__V1__Event *ev,
		       const struct source_item *item);

/* Goes over the source. ev NULL: what could not be read. */
static int pass(struct export *x, struct source *src, take_fn take)
{
	struct source_item item;
	int err = source_rewind(src);

	while (!err && !(err = source_next(src, &item)) && item.what != SOURCE_END) {
		const Varve__V1__Event *ev =
			item.what == SOURCE_RECORD
				? decoder_event(x->h->decoder, item.payload, item.len)
				: NULL;

		err = take(x, ev, &item);
	}
	return err;
}

static int take_record(struct export *x, const Varve__V1__Event *ev, const struct source_item *item)
{
	if (ev)
		write_record(x, x->records, ev, item);
	return ferror(x->records) ? -EIO : 0;
}

/* One node after the other, also where a topic has them mixed. */
static int write_records(struct export *x, struct source *src)
{
	int err = 0;

	x->records = make_file(x, BUNDLE_RECORDS);
	if (!x->records)
		return -EIO;
	for (size_t i = 0; i < x->parts.size && !err; i++) {
		x->only = x->parts.slots[i].value;
		if (x->only)
			err = pass(x, src, take_record);
	}
	if (finish_file(x->records, BUNDLE_RECORDS) || err)
		return -EIO;
	return x->record_cnt
		       ? 0
		       : complain(-ENOENT, "the records that were found are not there any more");
}

/* A negative errno, untold. */
static int append_file(FILE *out, const char *path)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	int err = file_read(path, SIZE_MAX, &data, &len);

	if (!err)
		fwrite(data, 1, len, out);
	return err;
}

/* How the sensor came from the first key to later ones: a directory's own list, or the one that was
 * named. */
static int copy_keys(struct export *x)
{
	_cleanup_free_ char *old = memory_printf("%s/sensor.keys.old", x->opts->source);
	_cleanup_free_ char *own = memory_printf("%s/sensor.keys", x->opts->source);
	FILE *out = make_file(x, BUNDLE_KEYS);
	int err = 0;

	if (!out)
		return -EIO;
	if (x->opts->changes_file) {
		err = append_file(out, x->opts->changes_file);
	} else if (!source_is_kafka(x->opts->source) && strcmp(x->opts->source, "-")) {
		append_file(out, old);
		err = append_file(out, own);
	}
	if (err)
		log_warn("the bundle does not say how keys were changed: %s", strerror(-err));
	return finish_file(out, BUNDLE_KEYS);
}

/* --- what people read: all of it comes of one pass */

static const struct {
	const char *name;
	const struct view_type *type;
} views[VIEW_CNT] = {
	{"report.txt", &view_tree},
	{"summary.txt", &view_summary},
	{"timeline.txt", &view_timeline},
	{"records.jsonl", &view_jsonl},
};

static int take_views(struct export *x, const Varve__V1__Event *ev, const struct source_item *item)
{
	if (item->what != SOURCE_LEAF)
		coverage_take(x->coverage, ev, item->skipped);
	if (!ev)
		return 0;
	find_part(x, ev);
	return history_stream_give(x->h, ev, replay_record, &x->views, &x->viewed_cnt);
}

static int print_coverage(struct export *x)
{
	FILE *out = make_file(x, "coverage.txt");

	if (!out)
		return -EIO;
	coverage_print(x->coverage, out);
	return finish_file(out, "coverage.txt");
}

static int pass_views(struct export *x, struct source *src)
{
	struct verdict verdict;
	int err;

	verdict_make(x->h, &verdict);
	replay_open(&x->views, &verdict);
	history_stream_begin(x->h);
	err = pass(x, src, take_views);
	if (!err) {
		replay_finish(&x->views, &verdict, x->viewed_cnt);
		verdict_print(&verdict, stderr);
		x->verdict = verdict_exit_status(&verdict);
	}
	replay_free(&x->views);
	verdict_fini(&verdict);
	return err;
}

static int write_views(struct export *x, struct source *src)
{
	int err = 0;

	x->views = (struct replay_views){.h = x->h, .v = x->view, .cnt = VIEW_CNT};
	x->coverage = coverage_new(x->opts);
	for (size_t i = 0; i < VIEW_CNT; i++) {
		x->view[i] = (struct replay_view){.type = views[i].type,
						  .out = make_file(x, views[i].name)};
		if (!x->view[i].out)
			err = -EIO;
	}
	if (!err)
		err = pass_views(x, src);
	for (size_t i = 0; i < VIEW_CNT; i++)
		if (x->view[i].out && finish_file(x->view[i].out, views[i].name))
			err = -EIO;
	if (!err)
		err = print_coverage(x);
	coverage_free(x->coverage);
	return err;
}

/* What the check says of what is in the bundle, as its reader will see it. */
static int write_verify(struct export *x)
{
	struct options bundle = *x->opts;
	_cleanup_free_ char *records = memory_printf("%s/" BUNDLE_RECORDS, x->dir);
	_cleanup_free_ char *keys = memory_printf("%s/" BUNDLE_KEYS, x->dir);
	FILE *out = make_file(x, "verify.txt");

	if (!out)
		return -EIO;
	bundle.source = records;
	bundle.changes_file = keys;
	bundle.window.until_ns = INT64_MIN;
	x->seals = cmd_verify(&bundle, out);
	if (finish_file(out, "verify.txt"))
		return -EIO;
	return x->seals == EXIT_IO ? -EIO : 0;
}

static const char *const files[] = {BUNDLE_RECORDS, BUNDLE_KEYS,    "report.txt",
				    "summary.txt",  "timeline.txt", "records.jsonl",
				    "coverage.txt", "verify.txt",   "README.txt"};

static int write_readme(struct export *x)
{
	FILE *out = make_file(x, "README.txt");

	if (!out)
		return -EIO;
	fputs("Evidence of a container or pod, as varve recorded it.\n\n"
	      "  acquisition.json  who took it from where, when, with what; SHA-256 of each file\n"
	      "  records.bin       the records, and the leaf hashes of those between them that are "
	      "others'\n"
	      "  sensor.keys       how the sensor came from its first signing key to later ones\n"
	      "  report.txt        what happened, as a tree of processes, and whether it is all\n"
	      "  summary.txt       the same on a page or two\n"
	      "  timeline.txt      the same by time\n"
	      "  records.jsonl     the pod's records, one JSON object a line\n"
	      "  coverage.txt      what the sensor could see, and what not\n"
	      "  verify.txt        what the check of the seals said when this was made\n"
	      "  SHA256SUMS        of all of these\n\n"
	      "To check it, with the sensor's first public key (sensor.pub) from a place that you "
	      "trust:\n\n"
	      "  varve verify THIS.zip --key sensor.pub\n\n"
	      "Only records.bin is sealed by the sensor. The other files are made from it and can "
	      "be made\n"
	      "again: varve replay THIS.zip --container ID (--format timeline, jsonl).\n\n"
	      "By hand:\n\n"
	      "  sha256sum -c SHA256SUMS\n\n"
	      "says that no file was changed since, if SHA256SUMS was not. The seals in "
	      "records.bin are signed\n"
	      "notes (c2sp.org/signed-note); each is text in a record, and its signature is over "
	      "the text up to\n"
	      "the newline before the empty line:\n\n"
	      "  openssl pkeyutl -verify -pubin -keyform DER -inkey KEY.der -rawin -in TEXT "
	      "-sigfile SIGNATURE\n\n"
	      "KEY.der is 302a300506032b6570032100 (hex) and the 32 bytes of the key; SIGNATURE is "
	      "the last 64\n"
	      "bytes of the base64 in the signature's line. docs/SEALS.md of varve has the rest of "
	      "the format.\n",
	      out);
	return finish_file(out, "README.txt");
}

/* --- the acquisition */

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec;
}

/* Hashes all files so far, into the list and the sums. */
static int list_files(struct export *x, FILE *sums, json_t *list)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s", x->dir, files[i]);
		uint64_t size;
		char hex[DIGEST_HEX_SIZE];

		if (bundle_hash_file(path, hex, &size))
			return -EIO;
		fprintf(sums, "%s  %s\n", hex, files[i]);
		json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name", files[i], "size",
						      (json_int_t)size, "sha256", hex));
	}
	return 0;
}

static int write_acquisition(struct export *x, FILE *sums)
{
	_cleanup_free_ char *path = memory_printf("%s/acquisition.json", x->dir);
	FILE *out = make_file(x, "acquisition.json");
	const struct options *o = x->opts;
	json_t *list = json_array(), *j;
	char tool[DIGEST_HEX_SIZE] = "", hex[DIGEST_HEX_SIZE];
	struct utsname uts;
	uint64_t size;
	int err;

	if (!out)
		return -EIO;
	uname(&uts);
	err = list_files(x, sums, list);
	bundle_hash_file("/proc/self/exe", tool, &size);
	j = json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:i, s:i, "
		      "s:I, s:I, s:o}",
		      "case_id", json_line_text(o->case_id), "evidence_id",
		      json_line_text(o->evidence_id), "description", json_line_text(o->description),
		      "examiner", json_line_text(o->examiner), "source", o->source, "target",
		      json_line_text(o->pod ? o->pod : o->container), "tool",
		      "varve " VARVE_VERSION, "tool_sha256", tool, "host", uts.nodename, "kernel",
		      uts.release, "machine", uts.machine, "started", json_line_time(x->began_ns),
		      "finished", json_line_time(now_ns()), "replay_status", x->verdict,
		      "verify_status", x->seals, "records", (json_int_t)x->record_cnt,
		      "leaf_hashes", (json_int_t)x->leaf_cnt, "files", list);
	if (!j || json_dumpf(j, out, JSON_INDENT(2) | JSON_ENSURE_ASCII))
		err = complain(-EIO, "cannot write acquisition.json");
	json_decref(j);
	fputc('\n', out);
	if (finish_file(out, "acquisition.json") || err || bundle_hash_file(path, hex, &size))
		return -EIO;
	fprintf(sums, "%s  acquisition.json\n", hex);
	return 0;
}

/* --- all of it */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int write_all(struct export *x, struct source *src)
{
	FILE *sums;
	int err = write_views(x, src);

	if (!err)
		err = write_records(x, src);
	if (!err)
		err = copy_keys(x);
	if (!err)
		err = write_verify(x);
	if (!err)
		err = write_readme(x);
	if (err)
		return err;
	sums = make_file(x, BUNDLE_SUMS);
	if (!sums)
		return -EIO;
	err = write_acquisition(x, sums);
	return finish_file(sums, BUNDLE_SUMS) ? -EIO : err;
}

static int make_bundle(struct export *x, struct source *src)
{
	_cleanup_free_ char *own = memory_printf("varve-%s.zip", x->opts->case_id);
	const char *path = x->opts->out_file ? x->opts->out_file : own;
	const char *names[ARRAY_SIZE(files) + 2];
	int err;

	umask(077); /* what is in it is nobody else's to read */
	if (!access(path, F_OK))
		return complain(-EEXIST, "%s is there already", path);
	strcpy(x->dir, "/tmp/varve-export-XXXXXX");
	if (!mkdtemp(x->dir))
		return log_err(-errno, "cannot make a directory in /tmp");
	err = write_all(x, src);
	memcpy(names, files, sizeof(files));
	names[ARRAY_SIZE(files)] = "acquisition.json";
	names[ARRAY_SIZE(files) + 1] = BUNDLE_SUMS;
	if (!err)
		err = bundle_write(path, x->dir, names, ARRAY_SIZE(names));
	nftw(x->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (!err)
		fprintf(stderr,
			"varve: %" PRIu64 " records, and hashes of %" PRIu64 " others: %s\n",
			x->record_cnt, x->leaf_cnt, path);
	return err;
}

static int select_wanted(const struct options *opts, struct history *h)
{
	return opts->pod ? select_pod(h, opts->pod) : select_container(h, opts->container);
}

int cmd_export(const struct options *opts, FILE *out)
{
	struct export x = {.opts = opts, .began_ns = opts->now_ns};
	struct source *src;
	int status = EXIT_IO;

	(void)out;
	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (!history_load(src, &opts->window, &x.h)) {
		if (select_wanted(opts, x.h)) {
			status = EXIT_USAGE;
		} else {
			want(&x);
			want_pods(&x);
			if (!make_bundle(&x, src))
				status = EXIT_OK;
		}
		history_free(x.h);
	}
	for (size_t i = 0; i < x.wanted.size; i++)
		free(x.wanted.slots[i].value);
	for (size_t i = 0; i < x.parts.size; i++)
		free(x.parts.slots[i].value);
	strmap_fini(&x.wanted);
	strmap_fini(&x.parts);
	strmap_fini(&x.uids);
	source_close(src);
	return status;
}
