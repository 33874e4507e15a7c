/* SPDX-License-Identifier: Apache-2.0 */
/* What can be looked up is looked up; the rest is compared one by one. */
#include "responder/indicators.h"
#include "evidence/base.h"
#include "responder/filter.h"
#include "responder/memory.h"
#include "responder/parts.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#define TEXT_MAX 65536u /* of a text from the evidence, so much is compared */

struct matching {
	struct indicators *in;
	indicators_fn fn;
	void *ctx;
};

static void give(const struct matching *m, size_t number)
{
	struct indicator *i = &m->in->v[number];

	if (i->seen == m->in->record)
		return;
	i->seen = m->in->record;
	m->fn(number, m->ctx);
}

static void look_up(const struct matching *m, enum indicator_type type, const char *text)
{
	_cleanup_free_ char *key = memory_printf("%d %s", type, text);
	uintptr_t at = (uintptr_t)strmap_find(&m->in->exact, key);

	/* What a pattern is by its letters is found below, if it is meant so. */
	if (at)
		give(m, at - 1);
}

static void match_globs(const struct matching *m, enum indicator_type type, const char *text,
			bool (*matches)(const char *glob, const char *text))
{
	for (size_t i = 0; i < m->in->pattern_cnt; i++) {
		const struct indicator *one = &m->in->v[m->in->patterns[i]];

		if (one->type == type && matches(one->text, text))
			give(m, m->in->patterns[i]);
	}
}

static bool glob_path(const char *glob, const char *text)
{
	return filter_path_matches(glob, text, strlen(text));
}

static bool glob_text(const char *glob, const char *text)
{
	return !fnmatch(glob, text, 0);
}

/* Itself, its last name, and what patterns say of it. */
static void match_path(const struct matching *m, enum indicator_type type, const char *s,
		       size_t len)
{
	if (!m->in->has[type] || !s)
		return;
	_cleanup_free_ char *path = memory_printf("%.*s", (int)MIN(len, TEXT_MAX), s);
	const char *last = strrchr(path, '/');

	look_up(m, type, path);
	if (last)
		look_up(m, type, last + 1);
	match_globs(m, type, path, glob_path);
}

static void match_text(const struct matching *m, enum indicator_type type, const char *s)
{
	if (!m->in->has[type] || !s)
		return;
	look_up(m, type, s);
	match_globs(m, type, s, glob_text);
}

static bool is_within(const struct indicator *net, const uint8_t addr[static 16])
{
	unsigned int bytes = net->bits / 8, rest = net->bits % 8;

	return !memcmp(net->addr, addr, bytes) &&
	       (!rest || !((net->addr[bytes] ^ addr[bytes]) >> (8 - rest)));
}

static void match_address(const struct matching *m, const char *s, size_t len)
{
	uint8_t addr[16] = "\0\0\0\0\0\0\0\0\0\0\xff\xff";
	char text[INET6_ADDRSTRLEN];

	if (!m->in->has[INDICATOR_IP] || len >= sizeof(text))
		return;
	memcpy(text, s, len);
	text[len] = 0;
	text[strcspn(text, "%")] = 0; /* the interface of a link-local one */
	if (inet_pton(AF_INET, text, addr + 12) != 1 && inet_pton(AF_INET6, text, addr) != 1)
		return;
	/* An IPv4 address that came through an IPv6 socket is the same. */
	if (!memcmp(addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12))
		inet_ntop(AF_INET, addr + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr, text, sizeof(text));
	look_up(m, INDICATOR_IP, text);
	for (size_t i = 0; i < m->in->pattern_cnt; i++) {
		const struct indicator *one = &m->in->v[m->in->patterns[i]];

		if (one->type == INDICATOR_IP && is_within(one, addr))
			give(m, m->in->patterns[i]);
	}
}

/* The name, and each that it lies below. */
static void match_name(const struct matching *m, const char *s, size_t len)
{
	if (!m->in->has[INDICATOR_DOMAIN])
		return;
	_cleanup_free_ char *name = memory_printf("%.*s", (int)MIN(len, 1024u), s);
	size_t end = strlen(name);

	if (end && name[end - 1] == '.')
		name[--end] = 0;
	for (char *p = name; *p; p++)
		*p = tolower((unsigned char)*p);
	for (const char *p = name; p; p = strchr(p, '.'), p += !!p)
		look_up(m, INDICATOR_DOMAIN, p);
}

static bool match_part(const struct part *part, void *ctx)
{
	const struct matching *m = ctx;

	if (part->what == PARTS_PATH)
		match_path(m, INDICATOR_PATH, part->s, part->len);
	else if (part->what == PARTS_ADDRESS)
		match_address(m, part->s, part->len);
	else
		match_name(m, part->s, part->len);
	return false;
}

static void match_file(const struct matching *m, const Varve__V1__File *f)
{
	if (f && f->has_path_raw)
		match_path(m, INDICATOR_EXEC, (const char *)f->path_raw.data, f->path_raw.len);
	else if (f && f->path)
		match_path(m, INDICATOR_EXEC, f->path, strlen(f->path));
}

static void match_program(const struct matching *m, const Varve__V1__Event *ev)
{
	const Varve__V1__Process *p = ev->process;

	if (!m->in->has[INDICATOR_EXEC])
		return;
	if (ev->body_case == VARVE__V1__EVENT__BODY_EXEC && ev->exec) {
		match_file(m, ev->exec->file);
		match_path(m, INDICATOR_EXEC, ev->exec->filename,
			   ev->exec->filename ? strlen(ev->exec->filename) : 0);
		match_path(m, INDICATOR_EXEC, ev->exec->interpreter,
			   ev->exec->interpreter ? strlen(ev->exec->interpreter) : 0);
		match_text(m, INDICATOR_EXEC, ev->exec->cmd_line);
	} else if (ev->body_case == VARVE__V1__EVENT__BODY_EXEC_FAILED && ev->exec_failed) {
		match_file(m, ev->exec_failed->file);
		match_text(m, INDICATOR_EXEC, ev->exec_failed->cmd_line);
	} else if (ev->body_case == VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT &&
		   ev->process_snapshot) {
		match_file(m, ev->process_snapshot->exe);
		match_text(m, INDICATOR_EXEC, ev->process_snapshot->cmd_line);
	}
	/* What runs it, whatever it does: its EXEC may be what is missing. */
	if (p && p->has_exe_path_raw)
		match_path(m, INDICATOR_EXEC, (const char *)p->exe_path_raw.data,
			   p->exe_path_raw.len);
	else if (p && p->exe_path)
		match_path(m, INDICATOR_EXEC, p->exe_path, strlen(p->exe_path));
}

static void match_uid(const struct matching *m, uint32_t uid)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, uid);
	look_up(m, INDICATOR_USER, text);
}

static void match_process(const struct matching *m, const Varve__V1__Process *p)
{
	if (!p)
		return;
	if (m->in->has[INDICATOR_USER] && p->has_uid)
		match_uid(m, p->uid);
	if (m->in->has[INDICATOR_USER] && p->has_euid)
		match_uid(m, p->euid);
	match_text(m, INDICATOR_COMM, p->name);
}

void indicators_match(struct indicators *in, const Varve__V1__Event *ev, indicators_fn fn,
		      void *ctx)
{
	struct matching m = {in, fn, ctx};

	in->record++;
	match_process(&m, ev->process);
	match_program(&m, ev);
	if (ev->body_case == VARVE__V1__EVENT__BODY_COMM && ev->comm)
		match_text(&m, INDICATOR_COMM, ev->comm->new_name);
	if (ev->body_case == VARVE__V1__EVENT__BODY_FILE_HASH && ev->file_hash &&
	    ev->file_hash->sha256 && in->has[INDICATOR_SHA256])
		look_up(&m, INDICATOR_SHA256, ev->file_hash->sha256);
	if (in->has[INDICATOR_PATH] || in->has[INDICATOR_IP] || in->has[INDICATOR_DOMAIN])
		parts_each(ev, match_part, &m);
}
