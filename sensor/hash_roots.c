/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hash_roots.h"
#include "evidence/base.h"
#include "sensor/container_bundle.h"
#include "sensor/nodefile.h"
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

struct root {
	uint64_t container; /* 0: free */
	uint64_t used;
	int fd[HASH_ROOT_CNT];
	uint32_t pid;
};

struct hash_roots {
	pthread_mutex_t lock;
	uint64_t uses;
	size_t limit;
	struct root root[];
};

int hash_roots_new(size_t limit, struct hash_roots **ret_roots)
{
	struct hash_roots *r = calloc(1, sizeof(*r) + limit * sizeof(r->root[0]));

	if (!r)
		return -ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	r->limit = limit;
	*ret_roots = r;
	return 0;
}

static void clear(struct root *root)
{
	size_t i;

	for (i = 0; root->container && i < HASH_ROOT_CNT; i++)
		cleanup_close(&root->fd[i]);
	root->container = 0;
}

void hash_roots_free(struct hash_roots *r)
{
	size_t i;

	for (i = 0; r && i < r->limit; i++)
		clear(&r->root[i]);
	if (r)
		pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct root *find(struct hash_roots *r, uint64_t container)
{
	size_t i;

	for (i = 0; container && i < r->limit; i++) {
		if (r->root[i].container != container)
			continue;
		r->root[i].used = ++r->uses;
		return &r->root[i];
	}
	return NULL;
}

static struct root *make_room(struct hash_roots *r, uint64_t container)
{
	struct root *oldest = &r->root[0];
	size_t i;

	for (i = 0; i < r->limit && oldest->container; i++)
		if (!r->root[i].container || r->root[i].used < oldest->used)
			oldest = &r->root[i];
	clear(oldest);
	*oldest = (struct root){.container = container, .used = ++r->uses, .fd = {-1, -1}};
	return oldest;
}

bool hash_roots_has(struct hash_roots *r, uint64_t container, enum hash_root which)
{
	struct root *root;
	bool has;

	pthread_mutex_lock(&r->lock);
	root = find(r, container);
	has = root && root->fd[which] >= 0;
	pthread_mutex_unlock(&r->lock);
	return has;
}

void hash_roots_hold(struct hash_roots *r, uint64_t container, enum hash_root which, int fd,
		     uint32_t pid)
{
	struct root *root;

	pthread_mutex_lock(&r->lock);
	root = find(r, container);
	if (!root)
		root = make_room(r, container);
	cleanup_close(&root->fd[which]);
	root->fd[which] = fd;
	if (pid)
		root->pid = pid;
	pthread_mutex_unlock(&r->lock);
}

void hash_roots_copy(struct hash_roots *r, uint64_t container, int ret_fds[HASH_ROOT_CNT],
		     uint32_t *ret_pid)
{
	struct root *root;
	size_t i;

	pthread_mutex_lock(&r->lock);
	root = find(r, container);
	for (i = 0; i < HASH_ROOT_CNT; i++)
		ret_fds[i] = root && root->fd[i] >= 0 ? fcntl(root->fd[i], F_DUPFD_CLOEXEC, 0) : -1;
	*ret_pid = root ? root->pid : 0;
	pthread_mutex_unlock(&r->lock);
}

void hash_roots_drop(struct hash_roots *r, uint64_t container, enum hash_root which)
{
	struct root *root;

	pthread_mutex_lock(&r->lock);
	root = find(r, container);
	if (root)
		cleanup_close(&root->fd[which]);
	if (root)
		root->fd[which] = -1;
	pthread_mutex_unlock(&r->lock);
}

void hash_roots_forget(struct hash_roots *r, uint64_t container)
{
	struct root *root;

	pthread_mutex_lock(&r->lock);
	root = find(r, container);
	if (root)
		clear(root);
	pthread_mutex_unlock(&r->lock);
}

/* --- a bundle's */

/* root.path of config.json: absolute, or below the bundle. */
static bool root_path(const char *host_root, const char *bundle, char ret_path[PATH_MAX])
{
	_cleanup_nodefile_ struct nodefile f = {};
	const char *path = NULL;
	char config[PATH_MAX];
	bool fits = false;
	json_t *json;

	if (snprintf(config, PATH_MAX, "%s/config.json", bundle) >= PATH_MAX ||
	    nodefile_read(host_root, config, CONTAINER_FILE_LIMIT, &f))
		return false;
	json = json_loadb(f.text, f.len, 0, NULL);
	path = json_string_value(json_object_get(json_object_get(json, "root"), "path"));
	if (path && *path)
		fits = snprintf(ret_path, PATH_MAX, "%s%s%s", *path == '/' ? "" : bundle,
				*path == '/' ? "" : "/", path) < PATH_MAX;
	json_decref(json);
	return fits;
}

int hash_roots_open_bundle(const char *host_root, const char *bundle)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	if (!root_path(host_root, bundle, path))
		return -1;
	fd = nodefile_open(host_root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return syscall(SYS_open_tree, fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}
