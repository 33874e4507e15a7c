/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/existing.h"
#include "evidence/diag.h"
#include "sensor/cgroups.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/events/fill.h"
#include "sensor/intake.h"
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
 * A container of plain runc or of containerd's ctr has any name; the runtime's state directory says so: /run/runc/NAME, and
 * /run/containerd/runc/NAMESPACE/NAME.
 */
static bool is_runtime_container(const char *host_root, const char *name)
{
	static const char *const roots[] = {"/run", "/run/containerd/runc"};
	bool found = false;
	char path[4096];
	struct dirent *d;
	size_t i;

	if (!*name || strlen(name) > NAME_MAX)
		return false;
	for (i = 0; i < ARRAY_SIZE(roots) && !found; i++) {
		DIR *dir;

		snprintf(path, sizeof(path), "%s%s", host_root, roots[i]);
		dir = opendir(path);
		while (dir && !found && (d = readdir(dir))) {
			_cleanup_close_ int fd = -1;

			/* In /run only runc's and crun's own. */
			if (d->d_name[0] == '.' || (!i && strcmp(d->d_name, "runc") && strcmp(d->d_name, "crun")))
				continue;
			fd = openat(dirfd(dir), d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
		if (container_parse_cgroup(ret_path, false, &up) || strcmp(up.container_id, id->container_id)) {
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
		if (!is_runtime_container(in->conf->host_root, name) || container_parse_cgroup(path, true, &id))
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
		log_warn("cannot register the container of cgroup %s: its records go out without it", path);
	else
		emit_existing(in, c, own_path);
}

int existing_containers(struct intake *in, const char *mount)
{
	struct existing x = {.in = in, .mount = mount};

	return cgroups_walk(mount, existing_cgroup, &x);
}

/* --- what has gone unseen */

struct sweep {
	struct intake *in;
	const char *mount;
	uint64_t now_ns;
	struct { /* cgroups that are in no container, and are still there */
		uint64_t *id;
		size_t cnt, size;
	} there;
};

static void sweep_container(struct container *c, void *ctx)
{
	struct sweep *sw = ctx;
	char path[8192];
	struct stat st;

	if (c->gone_ns)
		return;
	snprintf(path, sizeof(path), "%s%s", sw->mount, c->cgroup_path);
	if (stat(path, &st) || st.st_ino != c->cgroup_id)
		intake_gone(sw->in, c->cgroup_id, c->cgroup_id, sw->now_ns);
}

static void note_there(uint64_t id, const char *path, void *ctx)
{
	struct sweep *sw = ctx;
	uint64_t *grown;

	(void)path;
	if (sw->there.cnt == sw->there.size) {
		grown = realloc(sw->there.id, (sw->there.size + 1024) * sizeof(*grown));
		if (!grown)
			return;
		sw->there.id = grown;
		sw->there.size += 1024;
	}
	sw->there.id[sw->there.cnt++] = id;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sweep_stray(uint64_t cgroup_id, void *ctx)
{
	struct sweep *sw = ctx;

	if (!bsearch(&cgroup_id, sw->there.id, sw->there.cnt, sizeof(cgroup_id), compare_ids))
		intake_gone(sw->in, cgroup_id, 0, sw->now_ns);
}

void existing_sweep(struct intake *in, const char *mount, uint64_t now_ns)
{
	struct sweep sw = {.in = in, .mount = mount, .now_ns = now_ns};
	struct stat st;

	container_table_each(in->containers, sweep_container, &sw);
	if (in->conf->scope != CONF_SCOPE_ALL)
		return;
	/* The hierarchy's root is in no walk. */
	if (!stat(mount, &st))
		note_there(st.st_ino, "/", &sw);
	cgroups_walk(mount, note_there, &sw);
	if (sw.there.cnt)
		qsort(sw.there.id, sw.there.cnt, sizeof(*sw.there.id), compare_ids);
	if (sw.there.cnt > 1) /* else the walk failed */
		streams_each_stray(in->streams, sweep_stray, &sw);
	free(sw.there.id);
}
