/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroup hierarchy is taken, for the mounts of nodes as there are. */
#include "sensor/hierarchy.c"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define V2_MOUNT     "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n"
#define UNIFIED	     "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid 0 0\n"
#define SYSTEMD	     "cgroup /sys/fs/cgroup/systemd cgroup rw,nosuid,xattr,name=systemd 0 0\n"
#define PIDS	     "cgroup /sys/fs/cgroup/pids cgroup rw,nosuid,nodev,noexec,relatime,pids 0 0\n"
#define MEMORY	     "cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,nodev,noexec,relatime,memory 0 0\n"
#define CPU	     "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n"
#define TOGETHER     "cgroup /cg cgroup rw,cpuset,memory,pids 0 0\n"
#define PARTS	     "cgroup /part/pids cgroup rw,pids 0 0\ncgroup2 /part/v2 cgroup2 rw 0 0\n"
#define NETWORK_TOOL "none /run/tool/cgroupv2 cgroup2 rw,relatime 0 0\n"

static const char *populated[4]; /* mounts with containers in them */

static bool whole(const char *mount)
{
	return strncmp(mount, "/part/", 6);
}

static bool is_populated(const char *mount)
{
	for (size_t i = 0; i < ARRAY_SIZE(populated) && populated[i]; i++)
		if (!strcmp(populated[i], mount))
			return true;
	return false;
}

static bool only_populated(const char *there, const char *here, bool without_users)
{
	assert_true(without_users);
	return is_populated(there) && !is_populated(here);
}

/* Where the hierarchy is mounted that is taken; "" : none. */
static const char *take(const char *text, int wanted, struct mounts *m)
{
	FILE *f = fmemopen((char *)text, strlen(text), "r");
	int which;

	assert_non_null(f);
	find_mounts(f, whole, m);
	fclose(f);
	which = pick(m, wanted, only_populated);
	return which == CONF_HIERARCHY_AUTO ? "" : m->path[which];
}

static const struct {
	const char *mounts, *populated[2], *taken;
	int wanted;
} cases[] = {
	/* v2 alone, whatever is in it */
	{V2_MOUNT, {}, "/sys/fs/cgroup", CONF_HIERARCHY_AUTO},
	{V2_MOUNT SYSTEMD, {}, "/sys/fs/cgroup", CONF_HIERARCHY_AUTO},
	/* v1 alone */
	{SYSTEMD PIDS MEMORY CPU, {}, "/sys/fs/cgroup/pids", CONF_HIERARCHY_AUTO},
	{MEMORY PIDS, {"/sys/fs/cgroup/memory"}, "/sys/fs/cgroup/pids", CONF_HIERARCHY_AUTO},
	{SYSTEMD CPU MEMORY, {}, "/sys/fs/cgroup/memory", CONF_HIERARCHY_AUTO},
	{CPU TOGETHER, {}, "/cg", CONF_HIERARCHY_AUTO},
	{CPU SYSTEMD, {}, "", CONF_HIERARCHY_AUTO},
	/* hybrid: the runtime makes cgroups in both, or there is no container yet */
	{PIDS MEMORY SYSTEMD UNIFIED, {}, "/sys/fs/cgroup/unified", CONF_HIERARCHY_AUTO},
	{PIDS UNIFIED,
	 {"/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"},
	 "/sys/fs/cgroup/unified",
	 CONF_HIERARCHY_AUTO},
	{PIDS UNIFIED, {"/sys/fs/cgroup/unified"}, "/sys/fs/cgroup/unified", CONF_HIERARCHY_AUTO},
	/* ... in v1 only */
	{PIDS MEMORY SYSTEMD UNIFIED,
	 {"/sys/fs/cgroup/pids"},
	 "/sys/fs/cgroup/pids",
	 CONF_HIERARCHY_AUTO},
	{MEMORY UNIFIED, {"/sys/fs/cgroup/memory"}, "/sys/fs/cgroup/memory", CONF_HIERARCHY_AUTO},
	/* v1, and a v2 that somebody mounted for programs of its own */
	{PIDS MEMORY NETWORK_TOOL,
	 {"/sys/fs/cgroup/pids"},
	 "/sys/fs/cgroup/pids",
	 CONF_HIERARCHY_AUTO},
	/* parts do not count */
	{PARTS, {}, "", CONF_HIERARCHY_AUTO},
	{PARTS MEMORY, {}, "/sys/fs/cgroup/memory", CONF_HIERARCHY_AUTO},
	/* told */
	{PIDS MEMORY UNIFIED, {}, "/sys/fs/cgroup/pids", CONF_HIERARCHY_PIDS},
	{PIDS MEMORY UNIFIED, {}, "/sys/fs/cgroup/memory", CONF_HIERARCHY_MEMORY},
	{PIDS UNIFIED, {"/sys/fs/cgroup/pids"}, "/sys/fs/cgroup/unified", CONF_HIERARCHY_V2},
	{V2_MOUNT, {}, "", CONF_HIERARCHY_PIDS},
	{PIDS MEMORY, {}, "", CONF_HIERARCHY_V2},
};

static void test_taken(void **state)
{
	struct mounts *m = malloc(sizeof(*m));

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memcpy(populated, cases[i].populated, sizeof(cases[i].populated));
		assert_string_equal(take(cases[i].mounts, cases[i].wanted, m), cases[i].taken);
	}
	free(m);
}

static void test_part_is_told(void **state)
{
	struct mounts *m = malloc(sizeof(*m));

	(void)state;
	assert_non_null(m);
	take(PARTS, CONF_HIERARCHY_AUTO, m);
	assert_true(m->in_part);
	take(CPU, CONF_HIERARCHY_AUTO, m);
	assert_false(m->in_part);
	free(m);
}

/* --- what is in them: two trees of directories */

#define A "%1$s/docker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "%1$s/docker/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define USERS                                \
	"%1$s/user.slice/user@1000.service/" \
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define SCOPE_OF_A           \
	"%1$s/system.slice/" \
	"docker-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.scope"

static char top[] = "/tmp/varve-hierarchy.XXXXXX", v1[64], v2[64];

static void make(const char *mount, const char *form)
{
	char path[512], *slash;

	snprintf(path, sizeof(path), form, mount);
	for (slash = path + strlen(top) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	assert_int_equal(mkdir(path, 0755), 0);
}

static int make_trees(void **state)
{
	(void)state;
	strcpy(strrchr(top, '.'), ".XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(v1, sizeof(v1), "%s/v1", top);
	snprintf(v2, sizeof(v2), "%s/v2", top);
	assert_int_equal(mkdir(v1, 0755) | mkdir(v2, 0755), 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int remove_trees(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int pick_of_trees(void)
{
	struct mounts *m = calloc(1, sizeof(*m));
	int which;

	assert_non_null(m);
	strcpy(m->path[CONF_HIERARCHY_PIDS], v1);
	strcpy(m->path[CONF_HIERARCHY_V2], v2);
	which = pick(m, CONF_HIERARCHY_AUTO, has_only);
	free(m);
	return which;
}

/* What a user runs by himself is in v2 only: that does not decide. */
static void test_users_do_not_decide(void **state)
{
	(void)state;
	make(v1, A);
	make(v2, USERS);
	assert_int_equal(pick_of_trees(), CONF_HIERARCHY_PIDS);
	assert_true(has_only(v2, v1, false));
}

/* In both, by names of different forms; then one more in v1 only. */
static void test_ids_are_compared(void **state)
{
	(void)state;
	make(v1, A);
	make(v2, SCOPE_OF_A);
	assert_int_equal(pick_of_trees(), CONF_HIERARCHY_V2);
	make(v1, B);
	assert_int_equal(pick_of_trees(), CONF_HIERARCHY_PIDS);
}

/* Each has one that the other has not. */
static void test_mixed(void **state)
{
	(void)state;
	make(v1, A);
	make(v2, B);
	assert_int_equal(pick_of_trees(), CONF_HIERARCHY_V2);
}

/* What lies in a container is part of it. */
static void test_nested_is_none(void **state)
{
	(void)state;
	make(v1, A "/docker/dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
	make(v2, A);
	assert_false(has_only(v1, v2, false));
}

/* A cgroup that is in v1 for a moment only before it is in v2 is none that is in v1 alone. */
static void test_looked_at_again(void **state)
{
	struct hierarchy h = {};

	(void)state;
	strcpy(h.mount, v2);
	strcpy(h.beside, v1);
	make(v1, A);
	assert_false(hierarchy_look_beside(&h));
	make(v2, A);
	assert_false(hierarchy_look_beside(&h));
	make(v1, B);
	assert_false(hierarchy_look_beside(&h));
	assert_true(hierarchy_look_beside(&h));
	assert_true(h.beside_has);
	assert_false(hierarchy_look_beside(&h)); /* it is told once */
}

static void test_number(void **state)
{
	char text[] = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
		      "cpuset\t4\t1\t1\nmemory\t0\t120\t1\npids\t11\t90\t1\n";
	uint32_t number = 99;
	FILE *f;

	(void)state;
	f = fmemopen(text, strlen(text), "r");
	assert_int_equal(find_number(f, "pids", &number), 0);
	assert_int_equal(number, 11);
	rewind(f);
	assert_int_equal(find_number(f, "memory", &number), -ENOENT); /* of v2 */
	rewind(f);
	assert_int_equal(find_number(f, "hierarchy", &number), -ENOENT);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_part_is_told),
#define OF_TREES(test) cmocka_unit_test_setup_teardown(test, make_trees, remove_trees)
		OF_TREES(test_users_do_not_decide),
		OF_TREES(test_ids_are_compared),
		OF_TREES(test_mixed),
		OF_TREES(test_nested_is_none),
		OF_TREES(test_looked_at_again),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
