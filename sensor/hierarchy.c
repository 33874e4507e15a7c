/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hierarchy.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/cgroups.h"
#include "sensor/conf.h"
#include "sensor/container_cgroup.h"
#include "sensor/kernel_features.h"
#include <fcntl.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE    sizeof(((struct hierarchy *)0)->mount)
#define INIT_ROOT    "/proc/1/root"
#define LOOKS	     3
#define LOOK_WAIT_US 100000

/* Where the whole of each is mounted; "": nowhere. By enum conf_hierarchy. */
struct mounts {
	char path[CONF_HIERARCHY_CNT][PATH_SIZE];
	bool in_part; /* of one, only a part is */
};

static const char *const names[] = {"auto", "v2", "pids", "memory"};

/* The root of a hierarchy is kernfs' first node. */
static bool is_whole(const char *mount)
{
	struct stat st;

	return !stat(mount, &st) && st.st_ino == 1;
}

/* What init's mount namespace has. */
static bool is_whole_of_init(const char *mount)
{
	char path[PATH_SIZE + sizeof(INIT_ROOT)];

	snprintf(path, sizeof(path), INIT_ROOT "%s", mount);
	return is_whole(path);
}

static bool is_mount_of(const struct mntent *m, int which)
{
	if (which == CONF_HIERARCHY_V2)
		return !strcmp(m->mnt_type, "cgroup2");
	return !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, names[which]);
}

static void find_mounts(FILE *f, bool (*whole)(const char *mount), struct mounts *ret)
{
	char buf[PATH_SIZE];
	struct mntent m;

	memset(ret, 0, sizeof(*ret));
	while (getmntent_r(f, &m, buf, sizeof(buf))) {
		for (int i = CONF_HIERARCHY_V2; i < CONF_HIERARCHY_CNT; i++) {
			if (!is_mount_of(&m, i) || ret->path[i][0])
				continue;
			if (whole(m.mnt_dir))
				strcpy(ret->path[i], m.mnt_dir);
			else
				ret->in_part = true;
		}
	}
}

/* --- which containers are where */

/* Containers by hashes of their ids; in order once all were found. */
struct ids {
	uint64_t *id;
	size_t cnt, room;
	bool without_users; /* those of users' own service managers are left out */
	bool failed;
	char outer[PATH_SIZE]; /* the last one found; what lies in it is part of it */
};

static uint64_t hash_of(const char *id)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (; *id; id++)
		hash = (hash ^ (uint8_t)*id) * 0x100000001b3ULL;
	return hash;
}

static void add_id(struct ids *ids, uint64_t id)
{
	size_t room = ids->room ? 2 * ids->room : 64;
	uint64_t *grown = ids->id;

	if (ids->cnt == ids->room) {
		grown = reallocarray(ids->id, room, sizeof(*grown));
		ids->failed |= !grown;
		if (!grown)
			return;
		ids->room = room;
	}
	ids->id = grown;
	ids->id[ids->cnt++] = id;
}

static void note_container(uint64_t cgroup_id, const char *path, void *ctx)
{
	struct cgroup_identity found;
	struct ids *ids = ctx;
	size_t len = strlen(ids->outer);

	(void)cgroup_id;
	if ((len && !strncmp(path, ids->outer, len) && path[len] == '/') ||
	    (ids->without_users && strstr(path, "/user@")) ||
	    container_parse_cgroup(path, false, &found))
		return;
	snprintf(ids->outer, sizeof(ids->outer), "%s", path);
	add_id(ids, hash_of(found.container_id));
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool has_id(const uint64_t *ids, size_t cnt, uint64_t id)
{
	return cnt && bsearch(&id, ids, cnt, sizeof(id), by_number);
}

static bool find_ids(const char *mount, struct ids *ids)
{
	if (cgroups_walk(mount, note_container, ids) || ids->failed)
		return false;
	if (ids->cnt)
		qsort(ids->id, ids->cnt, sizeof(*ids->id), by_number);
	return true;
}

/*
 * Looks which containers have cgroups there and none here. True if one was so at the last look,
 * too: a runtime makes a container's cgroups, and removes them, one after the other.
 */
static bool look(const char *there, const char *here, bool without_users,
		 struct hierarchy_missing *missing)
{
	struct ids has = {.without_users = without_users}, other = {};
	struct hierarchy_missing now = {};
	bool again = false;

	if (find_ids(there, &has) && find_ids(here, &other)) {
		for (size_t i = 0; i < has.cnt && now.cnt < ARRAY_SIZE(now.id); i++) {
			if (has_id(other.id, other.cnt, has.id[i]))
				continue;
			again |= has_id(missing->id, missing->cnt, has.id[i]);
			now.id[now.cnt++] = has.id[i];
		}
	}
	free(has.id);
	free(other.id);
	*missing = now;
	return again;
}

static bool has_only(const char *there, const char *here, bool without_users)
{
	struct hierarchy_missing missing = {};

	look(there, here, without_users, &missing);
	for (int i = 1; i < LOOKS; i++) {
		if (!missing.cnt)
			return false;
		usleep(LOOK_WAIT_US);
		if (!look(there, here, without_users, &missing))
			return false;
	}
	return true;
}

static int v1_of(const struct mounts *m)
{
	return *m->path[CONF_HIERARCHY_PIDS] ? CONF_HIERARCHY_PIDS : CONF_HIERARCHY_MEMORY;
}

/* Which; CONF_HIERARCHY_AUTO: there is none. */
static int pick(const struct mounts *m, int wanted,
		bool (*only)(const char *there, const char *here, bool without_users))
{
	int v1 = v1_of(m);

	if (wanted != CONF_HIERARCHY_AUTO)
		return *m->path[wanted] ? wanted : CONF_HIERARCHY_AUTO;
	if (!*m->path[v1])
		return *m->path[CONF_HIERARCHY_V2] ? CONF_HIERARCHY_V2 : CONF_HIERARCHY_AUTO;
	if (!*m->path[CONF_HIERARCHY_V2])
		return v1;
	/* What users run by themselves (rootless podman) is in v2 only, whatever the runtimes do.
	 */
	return only(m->path[v1], m->path[CONF_HIERARCHY_V2], true) &&
			       !only(m->path[CONF_HIERARCHY_V2], m->path[v1], true)
		       ? v1
		       : CONF_HIERARCHY_V2;
}

/* The kernel's number of the v1 hierarchy that has the controller; /proc/cgroups' second column. */
static int find_number(FILE *f, const char *controller, uint32_t *ret_number)
{
	char line[256], name[64];
	unsigned int number;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %u", name, &number) != 2 || strcmp(name, controller))
			continue;
		*ret_number = number;
		return number ? 0 : -ENOENT;
	}
	return -ENOENT;
}

static int explain_none(const struct mounts *m, int wanted)
{
	if (m->in_part)
		diag(DIAG_ERROR,
		     "only a part of the cgroup hierarchy is mounted here: run the sensor in the "
		     "node's cgroup namespace, or with the node's /sys/fs/cgroup mounted");
	else if (wanted == CONF_HIERARCHY_AUTO)
		diag(DIAG_ERROR,
		     "no cgroup hierarchy is mounted by which containers are told apart, "
		     "neither v2 nor one of pids or memory: mount one "
		     "(mount -t cgroup2 none /sys/fs/cgroup)");
	else
		diag(DIAG_ERROR, "the cgroup hierarchy %s is not mounted: see cgroup-hierarchy",
		     names[wanted]);
	return -ENOENT;
}

static void tell_beside(struct hierarchy *h)
{
	h->beside_has = true;
	log_warn("containers have cgroups at %s and none at %s: nothing of them is seen; see the "
		 "option cgroup-hierarchy",
		 h->beside, h->mount);
}

/* Of v2, to attach to, in init's mount namespace if not in this one; "": in neither. */
static int find_v2(const struct mounts *here, char *ret_path, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/1/mounts", "re");
	_cleanup_free_ struct mounts *of_init = calloc(1, sizeof(*of_init));

	if (!of_init)
		return -ENOMEM;
	snprintf(ret_path, size, "%s", here->path[CONF_HIERARCHY_V2]);
	if (*ret_path || !f)
		return 0;
	find_mounts(f, is_whole_of_init, of_init);
	if (*of_init->path[CONF_HIERARCHY_V2])
		snprintf(ret_path, size, INIT_ROOT "%s", of_init->path[CONF_HIERARCHY_V2]);
	return 0;
}

int hierarchy_choose(int wanted, struct hierarchy *ret)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mounts", "re"),
			      *controllers = fopen("/proc/cgroups", "re");
	_cleanup_free_ struct mounts *m = malloc(sizeof(*m));
	int which;

	if (!mounts || !m)
		return log_err(-errno, "cannot read /proc/self/mounts");
	find_mounts(mounts, is_whole, m);
	which = pick(m, wanted, has_only);
	if (which == CONF_HIERARCHY_AUTO)
		return explain_none(m, wanted);
	memset(ret, 0, sizeof(*ret));
	ret->name = names[which];
	strcpy(ret->mount, m->path[which]);
	if (find_v2(m, ret->v2, sizeof(ret->v2)))
		return -ENOMEM;
	strcpy(ret->beside, m->path[which == CONF_HIERARCHY_V2 ? v1_of(m) : CONF_HIERARCHY_V2]);
	if (which != CONF_HIERARCHY_V2 &&
	    (!controllers || find_number(controllers, ret->name, &ret->number)))
		return log_err(-ENOENT, "/proc/cgroups does not say which hierarchy has %s",
			       ret->name);
	if (*ret->beside && has_only(ret->beside, ret->mount, false))
		tell_beside(ret);
	return 0;
}

bool hierarchy_look_beside(struct hierarchy *h)
{
	if (!*h->beside || h->beside_has || !look(h->beside, h->mount, false, &h->missing))
		return false;
	tell_beside(h);
	return true;
}

int hierarchy_open_v2(const struct hierarchy *h, int *ret_fd)
{
	_cleanup_close_ int mount = -1, fd = -1;
	struct stat st;

	mount = *h->v2 ? open(h->v2, O_PATH | O_CLOEXEC) : kernel_mount("cgroup2");
	if (mount < 0)
		return *h->v2 ? -errno : mount;
	fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_ino != 1) /* what a cgroup namespace shows */
		return -EXDEV;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
