/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/existing.h"
#include "evidence/diag.h"
#include "sensor/cgroups.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/events/fill.h"
#include "sensor/intake.h"
#include "sensor/nodefile.h"
#include "sensor/probes.h"
#include "sensor/streams.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct existing {
	struct intake *in;
	const char *mount;
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

/* The cgroup that is the container's own: the topmost that the same container id is read from. */
static int own_cgroup(const char *mount, const char *path, const struct cgroup_identity *id,
		      uint64_t *ret_id, char *ret_path, size_t size)
{
	struct cgroup_identity up;
	char full[8192], *slash;
	struct stat st;

	snprintf(ret_path, size, "%s", path);
	while ((slash = strrchr(ret_path, '/')) && slash != ret_path) {
		*slash = '\0';
		if (container_parse_cgroup(ret_path, false, &up) ||
		    strcmp(up.container_id, id->container_id)) {
			*slash = '/';
			break;
		}
	}
	snprintf(full, sizeof(full), "%s%s", mount, ret_path);
	if (stat(full, &st))
		return -errno;
	*ret_id = st.st_ino;
	return 0;
}

static int emit_existing(struct intake *in, struct container *c, const char *path)
{
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
	return emit_event(in->emit, &ev, c);
}

static void existing_cgroup(uint64_t cgroup_id, const char *path, void *ctx)
{
	struct existing *x = ctx;
	struct intake *in = x->in;
	const char *name = strrchr(path, '/');
	struct cgroup_identity id;
	char own_path[4096];
	uint64_t own = cgroup_id;
	struct container *c;

	name = name ? name + 1 : path;
	if (container_parse_cgroup(path, false, &id)) {
		if (!is_runtime_container(in->conf->host_root, name) ||
		    container_parse_cgroup(path, true, &id))
			return;
		snprintf(own_path, sizeof(own_path), "%s", path);
	} else if (own_cgroup(x->mount, path, &id, &own, own_path, sizeof(own_path))) {
		return; /* gone meanwhile */
	}
	/* -EEXIST: the kernel side knows it, so its start is in the ring. */
	if (probes_scope_add(in->probes, cgroup_id, own) == -EEXIST)
		return;
	if (own != cgroup_id) {
		streams_bind(in->streams, cgroup_id, own);
		return;
	}
	if (container_table_add(in->containers, own, own_path, &id, NULL, emit_boot_ns(), &c) ||
	    streams_bind(in->streams, own, own))
		log_warn(
			"cannot register the container of cgroup %s: its records go out without it",
			path);
	else
		emit_existing(in, c, own_path);
}

int existing_containers(struct intake *in, const char *mount)
{
	struct existing x = {.in = in, .mount = mount};

	return cgroups_walk(mount, existing_cgroup, &x);
}

/* --- what came or went unseen */

struct sweep {
	struct intake *in;
	const char *mount;
	uint64_t now_ns;
};

static bool is_gone(const char *mount, uint64_t cgroup_id)
{
	char path[4096];

	return cgroups_path_of(mount, cgroup_id, path, sizeof(path)) == -ESTALE;
}

static void sweep_container(struct container *c, void *ctx)
{
	struct sweep *sw = ctx;

	if (!c->gone_ns && is_gone(sw->mount, c->cgroup_id))
		intake_gone(sw->in, c->cgroup_id, c->cgroup_id, sw->now_ns);
}

/* A cgroup of no container that we know of: with --scope all many are; else its start was lost. */
static void sweep_stray(uint64_t cgroup_id, void *ctx)
{
	struct sweep *sw = ctx;

	if (is_gone(sw->mount, cgroup_id))
		intake_gone(sw->in, cgroup_id, 0, sw->now_ns);
}

void existing_sweep(struct intake *in, const char *mount, uint64_t now_ns)
{
	struct sweep sw = {.in = in, .mount = mount, .now_ns = now_ns};

	container_table_each(in->containers, sweep_container, &sw);
	streams_each_stray(in->streams, sweep_stray, &sw);
}

void existing_unseen(struct intake *in, const char *mount, uint64_t cgroup_id)
{
	char path[4096], *slash;
	uint64_t container;

	if (probes_scope_find(in->probes, cgroup_id, &container) ||
	    cgroups_path_of(mount, cgroup_id, path, sizeof(path)))
		return;
	/* Nested in the container whose cgroup id the kernel side noted: that one's path is a part
	 * of this one's. */
	while (container != cgroup_id && (slash = strrchr(path, '/')) && slash != path) {
		struct stat st;
		char full[8192];

		*slash = '\0';
		snprintf(full, sizeof(full), "%s%s", mount, path);
		if (!stat(full, &st) && st.st_ino == container)
			break;
	}
	if (!container_table_find(in->containers, container))
		intake_register(in, container, path, NULL);
	streams_bind(in->streams, cgroup_id, container);
}
