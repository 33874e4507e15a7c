/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/enrich.h"
#include "sensor/events/fill.h"
#include "sensor/proctab.h"
#include <string.h>

#define ANCESTRY_MAX 16

static void update_exec(struct proctab *table, struct process *p, const struct record *rec,
			bool in_container)
{
	const struct ev_exec *in = (const void *)rec->hdr;
	const char *exe = in->exe.path.off ? record_bytes(rec, &in->exe.path) : NULL;
	const char *args = in->args.off ? record_bytes(rec, &in->args) : NULL;

	proctab_exec(table, p, exe ? exe : "", exe ? in->exe.path.len : 0, args ? args : "",
		     args ? in->args.len : 0);
	p->tracked = true;
	if (in_container)
		p->in_container_image = true;
}

static void update_snapshot(struct proctab *table, struct process *p, const struct record *rec,
			    const Varve__V1__ProcessSnapshot *body, bool in_container,
			    bool in_scope)
{
	const struct ev_process_snapshot *in = (const void *)rec->hdr;
	const char *exe = in->exe.path.off ? record_bytes(rec, &in->exe.path) : NULL;
	const char *line = body->cmd_line ? body->cmd_line : "";

	p->from_snapshot = true;
	p->tracked = in_scope;
	p->in_container_image = in_container;
	proctab_exec(table, p, exe ? exe : "", exe ? in->exe.path.len : 0, line, strlen(line));
}

/* Of what a socket or an open file did: the process is as it was when it made or used it, and may
 * have ended. */
static bool is_late(const struct record *rec)
{
	return rec->hdr->kind == EV_CLOSE || rec->hdr->kind == EV_UDP_FLOW ||
	       rec->hdr->kind == EV_DNS || rec->hdr->kind == EV_CLOSE_WRITE;
}

/*
 * True if the record's process is not one of the container that the record is of: the maker of a
 * cgroup, who sends a signal into it. It is the node's process, whose end we may never see. Or the
 * process may have ended: a connection lives longer.
 */
static bool is_guest(const struct record *rec)
{
	if (rec->hdr->kind == EV_SIGNAL)
		return ((const struct ev_signal *)rec->hdr)->flags & EV_SIGNAL_FROM_OUTSIDE;
	return rec->hdr->kind == EV_CONTAINER_START || rec->hdr->kind == EV_CONTAINER_STOP ||
	       is_late(rec);
}

static void set_entry(struct process *p, enum proc_entry entry, const char *uid)
{
	p->entry = entry;
	memcpy(p->entry_uid, uid, sizeof(p->entry_uid));
}

static bool is_first(const struct enrich_container *in, uint32_t pid, uint64_t start_ns)
{
	return in->first_start_ns && pid == in->first_pid && start_ns == in->first_start_ns;
}

/* Who made it, and not its parent: a runtime's helpers make brothers (CLONE_PARENT), and an
 * orphan's parent is whoever takes it. */
static void inherit_entry(struct proctab *table, struct process *p, const struct ev_fork *fork,
			  const struct enrich_container *in)
{
	const struct process *maker = proctab_find(table, fork->maker_tgid, fork->maker_start_ns);
	char uid[UUID_LEN + 1];

	if (is_first(in, fork->maker_tgid, fork->maker_start_ns)) {
		/* It may have no record of its own. */
		proctab_uid(table, fork->maker_tgid, fork->maker_start_ns, uid);
		set_entry(p, PROC_ENTRY_ENTRYPOINT, uid);
	} else if (maker && maker->entry && maker->container == p->container) {
		set_entry(p, maker->entry, maker->entry_uid);
	}
}

/* By the kernel's word alone: what it did not say, or what was lost, stays unknown. */
static void update_entry(struct proctab *table, struct process *p, const struct record *rec,
			 const struct enrich_container *in)
{
	if (p->container != in->cgroup_id)
		p->entry = PROC_ENTRY_UNKNOWN;
	p->container = in->cgroup_id;
	if (!p->container)
		return;
	if (p->entry) /* also of one that was outside for a while */
		return;
	if (rec->hdr->kind == EV_EXEC_SESSION)
		set_entry(p, PROC_ENTRY_SESSION, p->uid);
	else if (is_first(in, p->pid, p->start_ns))
		set_entry(p, PROC_ENTRY_ENTRYPOINT, p->uid);
	else if (rec->hdr->kind == EV_FORK)
		inherit_entry(table, p, (const void *)rec->hdr, in);
}

/* How many execs the record's process has made since the table's was brought up to date; 0 if that is
 * not known. Less: the record is of before, since it comes late. */
static int execs_since(const struct process *p, const struct record *rec)
{
	uint16_t is = rec->hdr->task.exec_id, was = p->exec_id;

	return is && was ? (int16_t)(is - was) : 0;
}

/* The kernel counts the execs of a process: one whose record was lost or held back shows. */
static void note_exec_id(struct proctab *table, struct process *p, const struct record *rec,
			 bool in_container)
{
	int since = execs_since(p, rec);

	if (!p->exec_id || since > 0)
		p->exec_id = rec->hdr->task.exec_id;
	if (since <= 0 || rec->hdr->kind == EV_EXEC || rec->hdr->kind == EV_PROCESS_SNAPSHOT)
		return;
	proctab_exec_unseen(table, p);
	p->in_container_image |= in_container;
}

/* The entry of the record's process, brought up to date; NULL if the table is full. */
static struct process *update(struct proctab *table, const struct record *rec,
			      const Varve__V1__Event *ev, const struct enrich_container *in,
			      bool in_scope)
{
	uint64_t container = in->cgroup_id;
	const struct ev_task *t = &rec->hdr->task;
	bool has_parent = t->obtained & EV_TASK_HAS_PARENT;
	bool guest = is_guest(rec);
	struct process *p = proctab_find(table, t->tgid, t->start_ns);
	bool is_new_guest = guest && !p, is_of_now;

	/* What its record says of the process is old. */
	if (p && is_late(rec)) {
		note_exec_id(table, p, rec, container);
		return p;
	}
	p = proctab_get(table, t->tgid, t->start_ns, has_parent ? t->parent_tgid : 0,
			has_parent ? t->parent_start_ns : 0, rec->hdr->time_ns);
	if (!p)
		return NULL;
	note_exec_id(table, p, rec, container && !guest);
	is_of_now = !execs_since(p, rec);
	if (is_of_now)
		memcpy(p->comm, t->comm, sizeof(p->comm));
	if (!guest)
		update_entry(table, p, rec, in);
	if (is_new_guest)
		proctab_exit(table, p, rec->hdr->time_ns);
	if (rec->hdr->kind == EV_FORK)
		proctab_fork(table, p);
	else if (rec->hdr->kind == EV_EXEC && is_of_now)
		update_exec(table, p, rec, container);
	else if (rec->hdr->kind == EV_EXIT)
		proctab_exit(table, p, rec->hdr->time_ns);
	else if (rec->hdr->kind == EV_PROCESS_SNAPSHOT && is_of_now)
		update_snapshot(table, p, rec, ev->process_snapshot, container, in_scope);
	return p;
}

static int fill_image(const struct process *p, struct arena *arena, Varve__V1__Process *out)
{
	const struct proc_image *image = p->image;
	int err = 0;

	if (!image)
		return 0;
	if (image->exe_len)
		err = fill_text(arena, image->data, image->exe_len, &out->exe_path,
				&out->has_exe_path_raw, &out->exe_path_raw);
	if (!err && image->cmd_len)
		err = fill_text(arena, image->data + image->exe_len, image->cmd_len, &out->cmd_line,
				NULL, NULL);
	return err;
}

/*
 * The parent's name is the kernel's, as of this event. What it runs is the table's, which for a
 * process out of scope is what it ran when the sensor started: another name says that it has made
 * an exec since.
 */
static int fill_parent(struct proctab *table, const struct ev_task *t, struct arena *arena,
		       Varve__V1__Process *out)
{
	Varve__V1__ParentProcess *parent = arena_alloc(arena, sizeof(*parent));
	const struct process *pp = proctab_find(table, t->parent_tgid, t->parent_start_ns);
	const struct proc_image *image = pp ? pp->image : NULL;
	char *uid = arena_alloc(arena, UUID_LEN + 1);
	int err;

	if (!parent || !uid)
		return -ENOMEM;
	varve__v1__parent_process__init(parent);
	if (pp)
		memcpy(uid, pp->uid, UUID_LEN + 1);
	else
		proctab_uid(table, t->parent_tgid, t->parent_start_ns, uid);
	parent->process_uid = uid;
	SET(parent, pid, t->parent_tgid);
	SET(parent, start_boot_time_nano, t->parent_start_ns);
	err = fill_text(arena, t->parent_comm, strnlen(t->parent_comm, sizeof(t->parent_comm)),
			&parent->name, NULL, NULL);
	if (image && !pp->tracked && memcmp(pp->comm, t->parent_comm, sizeof(pp->comm)))
		image = NULL;
	if (!err && image && image->exe_len)
		err = fill_text(arena, image->data, image->exe_len, &parent->exe_path, NULL, NULL);
	if (!err && image && image->cmd_len)
		err = fill_text(arena, image->data + image->exe_len, image->cmd_len,
				&parent->cmd_line, NULL, NULL);
	out->parent = parent;
	return err;
}

static int fill_ancestor(const struct process *p, struct arena *arena,
			 Varve__V1__Ancestor **ret_ancestor)
{
	Varve__V1__Ancestor *a = arena_alloc(arena, sizeof(*a));
	int err = 0;

	if (!a)
		return -ENOMEM;
	varve__v1__ancestor__init(a);
	a->process_uid = (char *)p->uid;
	SET(a, pid, p->pid);
	if (p->comm[0])
		err = fill_text(arena, p->comm, strnlen(p->comm, sizeof(p->comm)), &a->name, NULL,
				NULL);
	if (!err && p->image && p->image->exe_len)
		err = fill_text(arena, p->image->data, p->image->exe_len, &a->exe_path, NULL, NULL);
	*ret_ancestor = a;
	return err;
}

static int fill_ancestry(struct proctab *table, const struct process *p, struct arena *arena,
			 Varve__V1__Process *out)
{
	Varve__V1__Ancestor **list = arena_alloc(arena, ANCESTRY_MAX * sizeof(*list));
	size_t n;
	int err;

	if (!list)
		return -ENOMEM;
	for (n = 0; n < ANCESTRY_MAX; n++) {
		p = proctab_find(table, p->parent_pid, p->parent_start_ns);
		if (!p)
			break;
		err = fill_ancestor(p, arena, &list[n]);
		if (err)
			return err;
	}
	out->n_ancestry = n;
	out->ancestry = list;
	return 0;
}

/*
 * A runtime's own process before the container's first program: it has run no program in a
 * container, and goes by the name that the runtime gives it. A process of the container cannot
 * pass for one: it has.
 */
static bool is_runtime_setup(const struct process *p)
{
#define IS(runtime) || !strncmp(p->comm, runtime, sizeof(runtime) - 1)
	return !p->in_container_image && (false EV_RUNTIMES(IS));
#undef IS
}

/* The uid is made for processes that the table has no room for, too. */
static int fill_unknown(struct proctab *table, const struct ev_task *t, struct arena *arena,
			Varve__V1__Process *out)
{
	char *uid = arena_alloc(arena, UUID_LEN + 1);

	if (!uid)
		return -ENOMEM;
	proctab_uid(table, t->tgid, t->start_ns, uid);
	out->process_uid = uid;
	return 0;
}

/* The other process that the record names, whose uid has yet to be made. */
static Varve__V1__OtherProcess *other_process(const Varve__V1__Event *ev)
{
	if (ev->body_case == VARVE__V1__EVENT__BODY_SIGNAL)
		return ev->signal->target;
	if (ev->body_case == VARVE__V1__EVENT__BODY_EXEC_SESSION)
		return ev->exec_session->by;
	if (ev->body_case == VARVE__V1__EVENT__BODY_CGROUP_MOVE)
		return ev->cgroup_move->by;
	if (ev->body_case == VARVE__V1__EVENT__BODY_OOM_KILL)
		return ev->oom_kill->trigger;
	if (ev->body_case == VARVE__V1__EVENT__BODY_NAMESPACE)
		return ev->namespace_->child;
	if (ev->body_case == VARVE__V1__EVENT__BODY_PTRACE)
		return ev->ptrace->target;
	if (ev->body_case == VARVE__V1__EVENT__BODY_PROCESS_MEMORY)
		return ev->process_memory->target;
	return NULL;
}

static int fill_other(struct proctab *table, struct arena *arena, Varve__V1__OtherProcess *o)
{
	char *uid;

	if (!o)
		return 0;
	uid = arena_alloc(arena, UUID_LEN + 1);
	if (!uid)
		return -ENOMEM;
	proctab_uid(table, o->pid, o->start_boot_time_nano, uid);
	o->process_uid = uid;
	return 0;
}

static int fill_entry(const struct process *p, struct arena *arena, Varve__V1__Process *out)
{
	static const char *const names[] = {
		[PROC_ENTRY_ENTRYPOINT] = "entrypoint", [PROC_ENTRY_SESSION] = "session"};

	if (!p->entry)
		return 0;
	out->entry = arena_alloc(arena, sizeof(*out->entry));
	if (!out->entry)
		return -ENOMEM;
	varve__v1__entry__init(out->entry);
	out->entry->how = (char *)names[p->entry];
	out->entry->process_uid = (char *)p->entry_uid;
	return 0;
}

int enrich_process(struct proctab *table, const struct record *rec,
		   const struct enrich_container *in, bool in_scope, struct arena *arena,
		   Varve__V1__Event *ev)
{
	Varve__V1__Process *out = ev->process;
	struct process *p;
	int err = fill_other(table, arena, other_process(ev));

	if (err || !out) /* whose it is is not known */
		return err;
	p = update(table, rec, ev, in, in_scope);
	if (!p)
		return fill_unknown(table, &rec->hdr->task, arena, out);
	out->process_uid = p->uid;
	if (p->from_snapshot)
		SET(out, from_snapshot, 1);
	if (in->cgroup_id && is_runtime_setup(p))
		SET(out, runtime_setup, 1);
	err = in->cgroup_id == p->container ? fill_entry(p, arena, out) : 0;
	/* Of before its last exec: what it ran then is not kept. */
	if (!err && !execs_since(p, rec))
		err = fill_image(p, arena, out);
	if (!err && rec->hdr->task.obtained & EV_TASK_HAS_PARENT)
		err = fill_parent(table, &rec->hdr->task, arena, out);
	return err ? err : fill_ancestry(table, p, arena, out);
}
