/* SPDX-License-Identifier: Apache-2.0 */
/* What became of files. What failed is in summary_privs.c. */
#include "responder/views/summary.h"
#include "evidence/base.h"
#include "responder/brief.h"
#include "responder/describe.h"
#include "responder/printed.h"
#include "responder/secrets.h"
#include <string.h>

/* What makes it the same file: not that it has been unlinked meanwhile. */
static char *path_only(const Varve__V1__File *file)
{
	struct printed p;

	describe_text(printed_begin(&p), file ? file->path : NULL, file && file->has_path_raw,
		      file ? file->path_raw : (ProtobufCBinaryData){});
	return printed_end(&p);
}

static void take_open(const struct summary_event *e)
{
	const Varve__V1__Open *o = e->ev->open;
	enum summary_subject subject = SUMMARY_SECRETS;

	if (o->has_call_errno)
		return;
	if (o->has_created && o->created)
		subject = SUMMARY_CREATED;
	else if (o->has_written && o->written)
		subject = SUMMARY_WRITTEN;
	else if (!secrets_is_secret_file(o->file)) {
		e->sum->read_cnt++;
		return;
	}
	summary_add(e, subject, path_only(o->file), summary_file(o->file), 1);
}

/* What it made itself, or else what was there. */
static void take_close_write(const struct summary_event *e)
{
	const Varve__V1__CloseWrite *c = e->ev->close_write;
	struct tally_entry *entry;

	if (!c->has_bytes_written || !c->bytes_written)
		return;
	entry = summary_find(e, SUMMARY_CREATED, path_only(c->file));
	if (!entry)
		entry = summary_add(e, SUMMARY_WRITTEN, path_only(c->file), summary_file(c->file),
				    0);
	if (entry)
		entry->sent += c->bytes_written;
}

static void take_change(const struct summary_event *e, enum summary_subject subject,
			const char *what)
{
	struct printed p;
	uint32_t call_errno;
	FILE *out;

	if (describe_errno(e->ev, &call_errno))
		return;
	out = printed_begin(&p);
	if (what)
		fprintf(out, "%s ", what);
	brief_event(out, e->ev);
	summary_add(e, subject, printed_end(&p), NULL, 1);
}

static void take_deleted(const struct summary_event *e)
{
	take_change(e, SUMMARY_DELETED, NULL);
}

static void take_rmdir(const struct summary_event *e)
{
	const Varve__V1__Rmdir *r = e->ev->rmdir;

	if (!r->has_call_errno)
		summary_add(e, SUMMARY_DELETED, summary_file(r->file), NULL, 1);
}

static void take_mkdir(const struct summary_event *e)
{
	const Varve__V1__Mkdir *m = e->ev->mkdir;

	if (!m->has_call_errno)
		summary_add(e, SUMMARY_CREATED, summary_file(m->file), NULL, 1);
}

static void take_rename(const struct summary_event *e)
{
	take_change(e, SUMMARY_RENAMED, NULL);
}

static void take_other(const struct summary_event *e)
{
	take_change(e, SUMMARY_CHANGED, event_kind_label(e->ev->body_case));
}

const struct summary_taker summary_files[] = {
	{VARVE__V1__EVENT__BODY_OPEN, take_open},
	{VARVE__V1__EVENT__BODY_CLOSE_WRITE, take_close_write},
	{VARVE__V1__EVENT__BODY_UNLINK, take_deleted},
	{VARVE__V1__EVENT__BODY_RMDIR, take_rmdir},
	{VARVE__V1__EVENT__BODY_MKDIR, take_mkdir},
	{VARVE__V1__EVENT__BODY_RENAME, take_rename},
	{VARVE__V1__EVENT__BODY_LINK, take_other},
	{VARVE__V1__EVENT__BODY_SYMLINK, take_other},
	{VARVE__V1__EVENT__BODY_MKNOD, take_other},
	{VARVE__V1__EVENT__BODY_MODE, take_other},
	{VARVE__V1__EVENT__BODY_OWNER, take_other},
	{VARVE__V1__EVENT__BODY_TRUNCATE, take_other},
	{VARVE__V1__EVENT__BODY_XATTR, take_other},
	{},
};
