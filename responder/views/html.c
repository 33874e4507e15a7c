/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page that holds everything: the records, packed, the header with the verdict, and the script
 * that shows them. It asks nobody for anything: its Content-Security-Policy forbids all but its own
 * style and script, by their hashes. Data comes first, since only behind it the verdict is final; a
 * page that was cut off has neither header nor script, and what it begins with says so.
 */
#include "evidence/base.h"
#include "evidence/base64.h"
#include "evidence/json.h"
#include "responder/describe.h"
#include "responder/json_line.h"
#include "responder/memory.h"
#include "responder/views/html_impl.h"
#include "responder/views/view.h"
#include <inttypes.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

#define BLOCK_BYTES (1u << 20) /* of records, before they are packed */

static const struct html_limits limits = {
	.rows = 500000,
	.row_bytes = 256u << 20,
	.bytes = 256u << 20,
};

/* Files of views/html/, see the Makefile. */
extern const char html_css[], html_css_end[], html_js[], html_js_end[], html_html[],
	html_html_end[];

static void print_hash(FILE *out, const char *s, const char *end)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char text[BASE64_LEN(SHA256_DIGEST_LENGTH) + 1];

	SHA256((const unsigned char *)s, end - s, digest);
	base64_encode(digest, sizeof(digest), text);
	fprintf(out, "'sha256-%s'", text);
}

static void print_policy(FILE *out)
{
	fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "script-src ",
	      out);
	print_hash(out, html_js, html_js_end);
	fputs("; style-src ", out);
	print_hash(out, html_css, html_css_end);
	fputs("; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
	      "trusted-types "
	      "'none'\">\n",
	      out);
}

static void print_head(const struct html *w, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", out);
	print_policy(out);
	fputs("<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      out);
	html_print_title(w, out);
	fputs(" - Varve</title>\n<style>", out);
	fwrite(html_css, 1, html_css_end - html_css, out);
	fputs("</style>\n</head>\n<body>\n"
	      "<p id=\"loading\">Loading. If nothing follows, the file was cut off: it has no "
	      "verdict, and is "
	      "not to be relied on. If no records follow, the browser is too old.</p>\n",
	      out);
}

static void *html_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	struct html *w = memory_zalloc(sizeof(*w));
	size_t cnt = 0;

	w->h = h;
	w->verdict = verdict;
	w->limits = limits;
	w->left_first_ns = INT64_MAX;
	w->left_last_ns = INT64_MIN;
	if (getrandom(&w->seed, sizeof(w->seed), GRND_NONBLOCK) < 0)
		w->seed = (uintptr_t)w;
	for (const struct history_container *c = h->containers; c; c = c->next) {
		_cleanup_free_ char *key = c->selected ? html_container_key(c) : NULL;

		if (key)
			strmap_add(&w->containers, key, (void *)(uintptr_t)++cnt);
	}
	print_head(w, out);
	return w;
}

static void end_block(struct html *w, FILE *out)
{
	if (!w->block_rows)
		return;
	fputc(']', w->rows.out);
	html_text_end(&w->rows);
	html_text_end(&w->records);
	w->row_bytes += w->rows.len;
	w->bytes += html_pack(out, "rows", w->block_rows, w->rows.s, w->rows.len);
	w->bytes += html_pack(out, "records", w->block_rows, w->records.s, w->records.len);
	w->block_rows = 0;
}

static bool is_full(const struct html *w)
{
	return w->row_cnt >= w->limits.rows || w->row_bytes >= w->limits.row_bytes ||
	       w->bytes >= w->limits.bytes;
}

static void leave_out(struct html *w, const Varve__V1__Event *ev)
{
	int64_t ns = history_time(history_find_run(w->h, ev->run_id), ev);

	w->left_cnt++;
	w->left_first_ns = MIN(w->left_first_ns, ns);
	w->left_last_ns = MAX(w->left_last_ns, ns);
}

static void html_record(void *state, FILE *out, const struct history_container *c,
			const Varve__V1__Event *ev)
{
	struct html *w = state;

	if (is_full(w)) {
		leave_out(w, ev);
		return;
	}
	if (!w->block_rows) {
		html_text_begin(&w->records);
		fputc('[', html_text_begin(&w->rows));
	} else {
		fputs(",\n", w->rows.out);
	}
	html_row_print(w, w->rows.out, c, ev);
	json_print_record(w->records.out, &ev->base, w->h->decoder);
	fputc('\n', w->records.out);
	w->row_cnt++;
	w->block_rows++;
	if (ftello(w->records.out) >= BLOCK_BYTES)
		end_block(w, out);
}

static void put_text(struct html *w, json_t *list, const char *s)
{
	describe_string(html_text_begin(&w->scratch), s);
	html_text_end(&w->scratch);
	json_array_append_new(list, json_stringn(w->scratch.s, w->scratch.len));
}

/* Names of the containers, in the order of their indexes. */
static void print_names(struct html *w, FILE *out)
{
	json_t *list = json_array();

	for (const struct history_container *c = w->h->containers; c; c = c->next)
		if (c->selected)
			put_text(w, list,
				 c->who.name	     ? c->who.name
				 : c->who.is_sandbox ? "(sandbox)"
						     : c->id);
	_cleanup_free_ char *text = json_dumps(list, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (!text)
		memory_exhausted();
	html_pack(out, "names", json_array_size(list), text, strlen(text));
	json_decref(list);
}

static void html_finish(void *state, FILE *out)
{
	struct html *w = state;

	end_block(w, out);
	print_names(w, out);
	html_header_print(w, out);
	fwrite(html_html, 1, html_html_end - html_html, out);
	fputs("<script type=\"module\">", out);
	fwrite(html_js, 1, html_js_end - html_js, out);
	fputs("</script>\n</body>\n</html>\n", out);
}

static void html_free(void *state)
{
	struct html *w = state;

	html_text_fini(&w->rows);
	html_text_fini(&w->records);
	html_text_fini(&w->scratch);
	strmap_fini(&w->containers);
	free(w);
}

const struct view_type view_html = {
	.name = "html",
	.open = html_open,
	.record = html_record,
	.finish = html_finish,
	.free = html_free,
	.verdict = VIEW_VERDICT_INSIDE,
};
