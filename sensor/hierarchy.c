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

static void note_container(uint64_t id, const char *path, void *ctx)
{
	struct cgroup_identity found;
	bool *has = ctx;

	(void)id;
	*has |= !container_parse_cgroup(path, false, &found);
}

static bool has_containers(const char *mount)
{
	bool has = false;

	cgroups_walk(mount, note_container, &has);
	return has;
}

/* A runtime makes a container's cgroups one after the other: so it is looked at several times. */
static bool only_first_has(const char *first, const char *second, bool (*has)(const char *mount))
{
	for (int i = 0; i < LOOKS; i++) {
		if (i)
			usleep(LOOK_WAIT_US);
		if (!has(first) || has(second))
			return false;
	}
	return true;
}

/* Which; CONF_HIERARCHY_AUTO: there is none. */
static int pick(const struct mounts *m, int wanted, bool (*has)(const char *mount))
{
	int v1 = *m->path[CONF_HIERARCHY_PIDS] ? CONF_HIERARCHY_PIDS : CONF_HIERARCHY_MEMORY;

	if (wanted != CONF_HIERARCHY_AUTO)
		return *m->path[wanted] ? wanted : CONF_HIERARCHY_AUTO;
	if (!*m->path[v1])
		return *m->path[CONF_HIERARCHY_V2] ? CONF_HIERARCHY_V2 : CONF_HIERARCHY_AUTO;
	if (!*m->path[CONF_HIERARCHY_V2] ||
	    only_first_has(m->path[v1], m->path[CONF_HIERARCHY_V2], has))
		return v1;
	return CONF_HIERARCHY_V2;
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

int hierarchy_choose(int wanted, struct hierarchy *ret)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mounts", "re"),
			      *controllers = fopen("/proc/cgroups", "re");
	_cleanup_free_ struct mounts *m = malloc(sizeof(*m));
	int which, v1;

	if (!mounts || !m)
		return log_err(-errno, "cannot read /proc/self/mounts");
	find_mounts(mounts, is_whole, m);
	which = pick(m, wanted, has_containers);
	if (which == CONF_HIERARCHY_AUTO)
		return explain_none(m, wanted);
	memset(ret, 0, sizeof(*ret));
	ret->name = names[which];
	strcpy(ret->mount, m->path[which]);
	strcpy(ret->v2, m->path[CONF_HIERARCHY_V2]);
	if (which == CONF_HIERARCHY_V2) {
		v1 = *m->path[CONF_HIERARCHY_PIDS] ? CONF_HIERARCHY_PIDS : CONF_HIERARCHY_MEMORY;
		strcpy(ret->beside, m->path[v1]);
		return 0;
	}
	if (!controllers || find_number(controllers, ret->name, &ret->number))
		return log_err(-ENOENT, "/proc/cgroups does not say which hierarchy has %s",
			       ret->name);
	return 0;
}

bool hierarchy_is_empty(const struct hierarchy *h)
{
	return *h->beside && has_containers(h->beside) && !has_containers(h->mount);
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
