/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/existing.h"
#include "evidence/diag.h"
#include "sensor/cgroups.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/events/fill.h"
#include "sensor/intake.h"
#include "sensor/nodefile.h"
#include "sensor/pods.h"
#include "sensor/probes.h"
#include "sensor/streams.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* How long the start of a container whose other records came may still be in its ring. */
#define START_WAIT_NS NSEC_PER_SEC

struct existing {
	struct intake *in;
	const char *mount;
	bool tell; /* at once; else existing_tell() does */
};

/* True if DIR/NAME/state.json is there; dir_fd is of DIR. */
static bool has_state(int dir_fd, const char *name)
{
	char path[NAME_MAX + 16];

	snprintf(path, sizeof(path), "%s/state.json", name);
	return !faccessat(dir_fd, path, F_OK, 0);
}

/*
 * A container of plain runc or of containerd's ctr has any name; the runtime's state directory says
 * so: /run/runc/NAME, and /run/containerd/runc/NAMESPACE/NAME.
 */
static bool is_runtime_container(const char *host_root, const char *name)
{
	static const char *const roots[] = {"/run", "/run/containerd/runc"};
	bool found = false;
	struct dirent *d;
	size_t i;

	if (!*name || strlen(name) > NAME_MAX)
		return false;
	for (i = 0; i < ARRAY_SIZE(roots) && !found; i++) {
		DIR *dir;

		int root_fd =
			nodefile_open(host_root, roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		dir = root_fd < 0 ? NULL : fdopendir(root_fd);
		while (dir && !found && (d = readdir(dir))) {
			_cleanup_close_ int fd = -1;

			/* In /run only runc's and crun's own. */
			if (d->d_name[0] == '.' ||
			    (!i && strcmp(d->d_name, "runc") && strcmp(d->d_name, "crun")))
				continue;
			fd = openat(dirfd(dir), d->d_name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			found = fd >= 0 && has_state(fd, name);
		}
		if (dir)
			closedir(dir);
	}
	return found;
}

/* The id of the cgroup whose path is the first len bytes; 0 if there is none. */
static uint64_t id_of_path(const char *mount, const char *path, size_t len)
{
	char full[8192];
	struct stat st;

	snprintf(full, sizeof(full), "%s%.*s", mount, (int)len, path);
	return stat(full, &st) ? 0 : st.st_ino;
}

/* The container that the cgroup's parent is in. -ENOENT: none. */
static int container_around(const struct existing *x, const char *path, uint64_t *ret_container)
{
	const char *slash = strrchr(path, '/');
	uint64_t parent = slash && slash != path ? id_of_path(x->mount, path, slash - path) : 0;

	return parent ? probes_scope_find(x->in->probes, parent, ret_container) : -ENOENT;
}

static int emit_existing(struct intake *in, struct container *c)
{
	const char *path = c->cgroup_path;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__ContainerStart *out;
	int err;

	arena_reset(&in->emit->arena);
	err = NEW_BODY(&in->emit->arena, &ev, CONTAINER_START, container_start, out);
	if (!err)
		err = fill_text(&in->emit->arena, path, strlen(path), &out->cgroup_path,
				&out->has_cgroup_path_raw, &out->cgroup_path_raw);
	if (err)
		return err;
	SET(out, from_snapshot, 1);
	pods_attach(in->pods, c, in->emit->sequence, emit_boot_ns());
	err = emit_event(in->emit, &ev, c);
	c->start_told = !err;
	return err;
}

/*
 * Puts a cgroup in scope. False: the kernel side knows it (-EEXIST), so its start is in the ring;
 * or there is no room, and nothing of it is recorded until a later sweep finds some.
 */
static bool enter_scope(struct intake *in, uint64_t cgroup_id, uint64_t container)
{
	int err = probes_scope_add(in->probes, cgroup_id, container);

	if (err && err != -EEXIST)
		in->no_room = true;
	return !err;
}

static void existing_cgroup(uint64_t cgroup_id, const char *path, void *ctx)
{
	struct existing *x = ctx;
	struct intake *in = x->in;
	const char *name = strrchr(path, '/');
	struct cgroup_identity id;
	uint64_t around;
	struct container *c;

	/* Parents come first. */
	if (!container_around(x, path, &around)) {
		if (enter_scope(in, cgroup_id, around))
			streams_bind(in->streams, cgroup_id, around);
		return;
	}
	if (container_parse_cgroup(path, false, &id) &&
	    (!is_runtime_container(in->conf->host_root, name ? name + 1 : path) ||
	     container_parse_cgroup(path, true, &id)))
		return;
	if (!enter_scope(in, cgroup_id, cgroup_id))
		return;
	intake_register(in, cgroup_id, path, NULL);
	c = container_table_find(in->containers, cgroup_id);
	if (c && x->tell)
		emit_existing(in, c);
}

static int enter_all(struct intake *in, const char *mount, bool tell)
{
	struct existing x = {.in = in, .mount = mount, .tell = tell};
	bool told = in->no_room;
	int err;

	in->no_room = false;
	err = cgroups_walk(mount, existing_cgroup, &x);
	if (in->no_room && !told)
		log_warn("not all containers have room: raise container-limit; of some nothing is "
			 "recorded");
	return err;
}

int existing_enter(struct intake *in, const char *mount)
{
	return enter_all(in, mount, false);
}

static void tell_entered(struct container *c, void *ctx)
{
	if (!c->start_told)
		emit_existing(ctx, c);
}

void existing_tell(struct intake *in)
{
	container_table_each(in->containers, tell_entered, in);
}

/* --- what came or went unseen */

struct sweep {
	struct intake *in;
	const char *mount;
	uint64_t now_ns;
	struct existing_missing missing;
	bool anew; /* something is missing that was there the last time */
};

static bool was_missing(const struct existing_missing *m, uint64_t cgroup_id)
{
	for (size_t i = 0; i < m->cnt; i++)
		if (m->cgroup_id[i] == cgroup_id)
			return true;
	return false;
}

enum presence { IS_THERE, IS_MISSING, IS_GONE };

static enum presence look_for(struct sweep *sw, uint64_t cgroup_id)
{
	char path[4096];

	if (cgroups_path_of(sw->mount, cgroup_id, path, sizeof(path)) != -ESTALE)
		return IS_THERE;
	if (sw->missing.cnt < EXISTING_MISSING_MAX)
		sw->missing.cgroup_id[sw->missing.cnt++] = cgroup_id;
	if (was_missing(&sw->in->missing, cgroup_id))
		return IS_GONE;
	sw->anew = true;
	return IS_MISSING;
}

static void sweep_container(struct container *c, void *ctx)
{
	struct sweep *sw = ctx;
	enum presence is;

	if (c->gone_ns)
		return;
	is = look_for(sw, c->cgroup_id);
	if (is == IS_GONE)
		intake_gone(sw->in, c->cgroup_id, c->cgroup_id, sw->now_ns);
	else if (is == IS_THERE && !c->start_told && sw->now_ns - c->born_ns >= START_WAIT_NS)
		emit_existing(sw->in, c);
}

/* One in a container; or one of no container that we know of: with --scope all many are, else its
 * start was lost. */
static void sweep_other(uint64_t cgroup_id, uint64_t container, void *ctx)
{
	struct sweep *sw = ctx;
	enum presence is = look_for(sw, cgroup_id);

	if (is == IS_GONE)
		intake_gone(sw->in, cgroup_id, container, sw->now_ns);
	else if (is == IS_THERE && !container)
		existing_unseen(sw->in, sw->mount, cgroup_id);
}

bool existing_sweep(struct intake *in, const char *mount, uint64_t now_ns)
{
	struct sweep sw = {.in = in, .mount = mount, .now_ns = now_ns};
	struct streams_sum node[EV_CLASS_CNT];

	container_table_each(in->containers, sweep_container, &sw);
	streams_each_other(in->streams, sweep_other, &sw);
	in->missing = sw.missing;
	/* Starts that could not be booked on a cgroup: those containers are not in scope yet. */
	streams_sum_cgroup(in->streams, 0, node);
	if (node[EV_CLASS_container].lost != in->node_starts_lost || in->no_room) {
		in->node_starts_lost = node[EV_CLASS_container].lost;
		enter_all(in, mount, true);
	}
	return sw.anew;
}

void existing_unseen(struct intake *in, const char *mount, uint64_t cgroup_id)
{
	char path[4096], *slash;
	uint64_t container, id = cgroup_id;

	if (probes_scope_find(in->probes, cgroup_id, &container) ||
	    cgroups_path_of(mount, cgroup_id, path, sizeof(path)))
		return;
	/* The container whose id the kernel side noted lies above, unless it was made from another
	 * one. */
	while (id != container && (slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		id = id_of_path(mount, path, slash - path);
	}
	if (!container_table_find(in->containers, container)) {
		if (id != container)
			return;
		intake_register(in, container, path, NULL);
	}
	streams_bind(in->streams, cgroup_id, container);
}
