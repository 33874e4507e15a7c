/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the files that container_bundle.c parses: in the bundle's directory where that is known,
 * else in the places the runtimes use by default. An id that could mean two containers (same name
 * in two containerd namespaces) is left unresolved rather than guessed.
 */
#include "sensor/container_bundle.h"

#include "evidence/base.h"
#include "sensor/nodefile.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define NAMESPACE_LIMIT 256 /* directories looked at below one containerd's state */

/* containerd's state directories: its own, k3s and RKE2, k0s, MicroK8s, docker's older one */
static const char *const containerd_states[] = {
	"/run/containerd",
	"/run/k3s/containerd",
	"/run/k0s/containerd",
	"/var/snap/microk8s/common/run/containerd",
	"/run/docker/containerd/daemon",
};
static const char *const bundle_places[] = {
	"/run/containers/storage/overlay-containers/%s/userdata/config.json",
	"/var/lib/containers/storage/overlay-containers/%s/userdata/config.json",
	"/run/containers/storage/vfs-containers/%s/userdata/config.json",
	"/var/lib/containers/storage/vfs-containers/%s/userdata/config.json",
};
static const char *const state_places[] = {
	"/run/runc/%s/state.json",
	"/run/crun/%s/status",
	"/run/docker/runtime-runc/moby/%s/state.json",
};
static const char *const docker_places[] = {
	"/var/lib/docker/containers/%s/config.v2.json",
	"/var/snap/docker/common/var-lib-docker/containers/%s/config.v2.json",
};
static const char *const storage_lists[] = {
	"/var/lib/containers/storage/overlay-containers/containers.json",
	"/var/lib/containers/storage/overlay-containers/volatile-containers.json",
	"/run/containers/storage/overlay-containers/volatile-containers.json",
	"/var/lib/containers/storage/vfs-containers/containers.json",
	"/var/lib/containers/storage/vfs-containers/volatile-containers.json",
};

static const struct {
	const char *const *paths;
	size_t cnt;
} all_places[] = {
	{containerd_states, ARRAY_SIZE(containerd_states)},
	{bundle_places, ARRAY_SIZE(bundle_places)},
	{state_places, ARRAY_SIZE(state_places)},
	{docker_places, ARRAY_SIZE(docker_places)},
};

void container_each_place(void (*fn)(const char *dir, void *ctx), void *ctx)
{
	char dir[PATH_MAX], *hole;

	for (size_t i = 0; i < ARRAY_SIZE(all_places); i++) {
		for (size_t j = 0; j < all_places[i].cnt; j++) {
			snprintf(dir, sizeof(dir), "%s", all_places[i].paths[j]);
			hole = strstr(dir, "/%s");
			if (hole)
				*hole = '\0';
			fn(dir, ctx);
		}
	}
}

struct search {
	const char *root;
	const struct cgroup_identity *id;
	struct container_metadata meta;
	bool found;
	int err; /* the most telling of what went wrong: half-written, unreadable, nowhere */
};

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void note(struct search *s, int err)
{
	if (err == -EAGAIN || s->err == -ENOENT)
		s->err = err;
}

static void fill(char *dst, const char *src, size_t size)
{
	if (!*dst)
		memcpy(dst, src, size);
}

/* What was found first stays; the rest fills in what was left empty. */
static void merge(struct search *s, const struct container_metadata *more)
{
	fill(s->meta.name, more->name, sizeof(more->name));
	fill(s->meta.image, more->image, sizeof(more->image));
	fill(s->meta.pod_uid, more->pod_uid, sizeof(more->pod_uid));
	fill(s->meta.pod_name, more->pod_name, sizeof(more->pod_name));
	fill(s->meta.pod_namespace, more->pod_namespace, sizeof(more->pod_namespace));
	s->meta.is_sandbox |= more->is_sandbox;
	s->found = true;
}

typedef int (*parse_fn)(const char *text, size_t len, struct container_metadata *ret_meta);

static void try_file(struct search *s, const char *path, parse_fn parse)
{
	_cleanup_nodefile_ struct nodefile f = {};
	struct container_metadata meta = {};
	int err = nodefile_read(s->root, path, CONTAINER_FILE_LIMIT, &f);

	if (!err)
		err = parse(f.text, f.len, &meta);
	if (err)
		note(s, err);
	else
		merge(s, &meta);
}

static void try_bundle(struct search *s, const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/config.json", dir) < (int)sizeof(path))
		try_file(s, path, container_parse_bundle);
}

/* The formats are the constants above; an id of 255 bytes fits. */
static void place(char path[PATH_MAX], const char *format, const char *id)
{
	const char *hole = strstr(format, "%s");

	snprintf(path, PATH_MAX, "%.*s%s%s", (int)(hole - format), format, id, hole + 2);
}

static bool is_there(const char *root, const char *path)
{
	_cleanup_close_ int fd = nodefile_open(root, path, O_PATH | O_CLOEXEC);

	return fd >= 0;
}

/* "<state>/io.containerd.runtime.v2.task/<namespace>/<id>" in whichever namespace has it: one, or
 * we cannot tell. */
static size_t find_in_namespaces(struct search *s, const char *state, char ret_dir[PATH_MAX])
{
	__attribute__((cleanup(cleanup_dir))) DIR *dir = NULL;
	char tasks[PATH_MAX], path[PATH_MAX];
	size_t found = 0, seen = 0;
	struct dirent *entry;
	int fd;

	snprintf(tasks, sizeof(tasks), "%s/io.containerd.runtime.v2.task", state);
	fd = nodefile_open(s->root, tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && seen++ < NAMESPACE_LIMIT && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s/%s", tasks, entry->d_name,
			     s->id->container_id) >= (int)sizeof(path) ||
		    !is_there(s->root, path))
			continue;
		memcpy(ret_dir, path, sizeof(path));
		found++;
	}
	return found;
}

static void try_containerd(struct search *s)
{
	char dir[PATH_MAX], one[PATH_MAX];
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(containerd_states); i++) {
		size_t n = find_in_namespaces(s, containerd_states[i], dir);

		if (n)
			memcpy(one, dir, sizeof(one));
		found += n;
	}
	if (found == 1)
		try_bundle(s, one);
}

static void try_state(struct search *s, const char *path)
{
	_cleanup_nodefile_ struct nodefile f = {};
	char dir[PATH_MAX];
	int err = nodefile_read(s->root, path, CONTAINER_FILE_LIMIT, &f);

	if (!err)
		err = container_parse_state(f.text, f.len, dir, sizeof(dir));
	if (err)
		note(s, err);
	else
		try_bundle(s, dir);
}

static bool try_storage_list(struct search *s, const char *path)
{
	_cleanup_nodefile_ struct nodefile f = {};
	struct container_metadata meta = {};

	if (nodefile_read(s->root, path, CONTAINER_FILE_LIMIT, &f) ||
	    container_parse_storage(f.text, f.len, s->id->container_id, &meta))
		return false;
	merge(s, &meta);
	return true;
}

/* The bundle is "<list's directory>/<id>/userdata", also where a user has a storage of his own. */
static bool try_storage_of(struct search *s, const char *bundle_dir)
{
	const char *id = bundle_dir ? strstr(bundle_dir, s->id->container_id) : NULL;
	char path[PATH_MAX];

	if (!id || strcmp(id + strlen(s->id->container_id), "/userdata"))
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (snprintf(path, sizeof(path), "%.*s%s", (int)(id - bundle_dir), bundle_dir,
			     i ? "volatile-containers.json" : "containers.json") <
			    (int)sizeof(path) &&
		    try_storage_list(s, path))
			return true;
	}
	return false;
}

static void try_storage(struct search *s, const char *bundle_dir)
{
	if (try_storage_of(s, bundle_dir))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(storage_lists); i++)
		if (try_storage_list(s, storage_lists[i]))
			return;
}

static void try_places(struct search *s, const char *const *formats, size_t cnt,
		       void (*try)(struct search *s, const char *path))
{
	char path[PATH_MAX];

	for (size_t i = 0; i < cnt && !s->found; i++) {
		place(path, formats[i], s->id->container_id);
		try(s, path);
	}
}

static void try_bundle_file(struct search *s, const char *path)
{
	try_file(s, path, container_parse_bundle);
}

static void try_docker(struct search *s)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(docker_places) && !*s->meta.name; i++) {
		place(path, docker_places[i], s->id->container_id);
		try_file(s, path, container_parse_docker);
	}
}

/* The cgroup path is the kernel's word; a bundle that names another pod is wrong or forged about
 * the pod. */
static void check_pod(struct search *s)
{
	const char *uid = s->id->pod_uid;

	if (!*uid || !*s->meta.pod_uid || !strcasecmp(uid, s->meta.pod_uid))
		return;
	memset(s->meta.pod_uid, 0, sizeof(s->meta.pod_uid));
	memset(s->meta.pod_name, 0, sizeof(s->meta.pod_name));
	memset(s->meta.pod_namespace, 0, sizeof(s->meta.pod_namespace));
}

/* Whose bundles have no names: annotations in them are by whoever asked for the container. */
static bool has_names_elsewhere(const char *runtime)
{
	return !strcmp(runtime, "podman") || !strcmp(runtime, "docker");
}

int container_read_metadata(const char *root, const struct cgroup_identity *id,
			    const char *bundle_dir, struct container_metadata *ret_meta)
{
	struct search s = {.root = root, .id = id, .err = -ENOENT};
	const char *cid = id->container_id;
	bool usable = *cid && strcmp(cid, ".") && strcmp(cid, "..") && !strchr(cid, '/');

	if (bundle_dir)
		try_bundle(&s, bundle_dir);
	if (usable && !s.found)
		try_containerd(&s);
	if (usable)
		try_places(&s, bundle_places, ARRAY_SIZE(bundle_places), try_bundle_file);
	if (usable)
		try_places(&s, state_places, ARRAY_SIZE(state_places), try_state);
	if (has_names_elsewhere(id->runtime))
		memset(&s.meta, 0, sizeof(s.meta));
	if (usable && strcmp(id->runtime, "podman") && strcmp(id->runtime, "cri-o"))
		try_docker(&s);
	else if (usable && s.found && (!*s.meta.name || !*s.meta.image))
		try_storage(&s, bundle_dir);
	/* in CRI-O's list a sandbox has the pod's name */
	if (s.meta.is_sandbox)
		memset(s.meta.name, 0, sizeof(s.meta.name));
	if (!s.found || (s.err == -EAGAIN && !*s.meta.name && !s.meta.is_sandbox))
		return s.err;
	check_pod(&s);
	*ret_meta = s.meta;
	return 0;
}
