/* SPDX-License-Identifier: Apache-2.0 */
/* Files and processes of OCSF. */
#include "evidence/base.h"
#include "responder/views/ocsf.h"

void ocsf_put_count(struct writer *w, const char *key, const struct fact_number *n)
{
	if (n->known)
		writer_number(w, key, n->v);
}

bool ocsf_has_process(const Varve__V1__Event *ev)
{
	return ev->process && (ev->process->has_pid || ev->process->process_uid);
}

/* Who did it: of a new process its parent, of one that was moved who moved it. */
bool ocsf_has_other(const struct facts *f)
{
	return f->other && (f->other->has_pid || f->other->process_uid);
}

static unsigned int file_type(const Varve__V1__File *file)
{
	static const unsigned char types[16] = {
		[001] = 6, [002] = 3, [004] = 2, [006] = 4, [010] = 1, [012] = 7, [014] = 5};

	return file->has_mode ? types[file->mode >> 12 & 15] : 0;
}

static void put_sha256(struct writer *w, const char *sha256)
{
	if (!sha256)
		return;
	writer_list(w, "hashes");
	writer_object(w, NULL);
	writer_number(w, "algorithm_id", 3);
	writer_text(w, "algorithm", "SHA-256");
	writer_text(w, "value", sha256);
	writer_end(w);
	writer_end(w);
}

void ocsf_put_file(struct writer *w, const char *key, const Varve__V1__File *file,
		   const char *sha256)
{
	if (!file)
		return;
	writer_object(w, key);
	writer_text(w, "name", facts_base_name(file->path));
	writer_text(w, "path", file->path);
	writer_number(w, "type_id", file_type(file));
	if (file->has_size)
		writer_number(w, "size", file->size);
	if (file->has_inode)
		writer_digits(w, "uid", file->inode);
	if (file->has_uid) {
		writer_object(w, "owner");
		writer_digits(w, "uid", file->uid);
		writer_end(w);
	}
	if (file->has_unlinked && file->unlinked)
		writer_bool(w, "is_deleted", true);
	put_sha256(w, sha256);
	writer_end(w);
}

static void put_started(struct projector *p, bool has, uint64_t boot_ns)
{
	char when[WHEN_LEN];
	int64_t ns;

	if (!has || !facts_started_ns(p->facts.ev, boot_ns, &ns))
		return;
	writer_signed(&p->out, "created_time", ns / OCSF_NSEC_PER_MS);
	writer_text(&p->out, "created_time_dt", when_format(ns, when));
}

bool ocsf_has_parent(const Varve__V1__Process *p)
{
	return p && p->parent && (p->parent->has_pid || p->parent->process_uid);
}

void ocsf_put_parent(struct projector *p, const char *key)
{
	const Varve__V1__ParentProcess *parent = p->facts.ev->process->parent;
	struct writer *w = &p->out;

	writer_object(w, key);
	if (parent->has_pid)
		writer_number(w, "pid", parent->pid);
	writer_text(w, "uid", parent->process_uid);
	writer_text(w, "name", parent->name);
	writer_text(w, "path", parent->exe_path);
	writer_text(w, "cmd_line", parent->cmd_line);
	put_started(p, parent->has_start_boot_time_nano, parent->start_boot_time_nano);
	writer_end(w);
}

void ocsf_put_other(struct projector *p, const char *key)
{
	const Varve__V1__OtherProcess *other = p->facts.other;
	struct writer *w = &p->out;

	writer_object(w, key);
	if (other->has_pid)
		writer_number(w, "pid", other->pid);
	writer_text(w, "uid", other->process_uid);
	if (other->has_tid)
		writer_number(w, "tid", other->tid);
	writer_text(w, "name", other->name);
	put_started(p, other->has_start_boot_time_nano, other->start_boot_time_nano);
	writer_end(w);
}

static void put_owner(struct writer *w, const Varve__V1__Process *p)
{
	if (p->has_euid)
		writer_number(w, "euid", p->euid);
	if (p->has_egid)
		writer_number(w, "egid", p->egid);
	if (p->has_uid) {
		writer_object(w, "user");
		writer_digits(w, "uid", p->uid);
		writer_end(w);
	}
	if (p->has_gid) {
		writer_object(w, "group");
		writer_digits(w, "uid", p->gid);
		writer_end(w);
	}
}

/* The process; of what it tried to run, the program is what that would have been. */
void ocsf_put_process(struct projector *p, const char *key, bool with_image)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const Varve__V1__Process *process = ev->process;
	const struct facts *f = &p->facts;
	struct writer *w = &p->out;
	bool is_attempt = with_image && ev->body_case == VARVE__V1__EVENT__BODY_EXEC_FAILED;
	const char *exe = is_attempt && f->file ? f->file->path : projection_exe(p);

	writer_object(w, key);
	if (process->has_pid)
		writer_number(w, "pid", process->pid);
	writer_text(w, "uid", process->process_uid);
	if (process->has_tid)
		writer_number(w, "tid", process->tid);
	writer_text(w, "name", is_attempt ? facts_base_name(exe) : process->name);
	writer_text(w, "path", exe);
	writer_text(w, "cmd_line", is_attempt ? f->cmd_line : projection_cmd_line(p));
	put_started(p, process->has_start_boot_time_nano, process->start_boot_time_nano);
	if (process->has_ns_pid)
		writer_number(w, "namespace_pid", process->ns_pid);
	put_owner(w, process);
	if (ev->body_case == VARVE__V1__EVENT__BODY_EXIT) {
		writer_signed(w, "terminated_time", p->time_ns / OCSF_NSEC_PER_MS);
		writer_text(w, "terminated_time_dt", p->when);
	}
	if (with_image && f->cmd_line)
		ocsf_put_file(w, "file", f->file, NULL);
	if (with_image && f->cwd)
		writer_text(w, "working_directory", f->cwd->path);
	if (with_image && ocsf_has_parent(process))
		ocsf_put_parent(p, "parent_process");
	writer_end(w);
}
