/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files of each runtime are looked for, below a root of our own, and what is not
 * believed. */
#include "sensor/container_bundle.h"
#include "tests/unit/data.h"

#include "evidence/base.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#define C "3f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a756"
#define U "0b1f6d4c-9a55-4e83-8b54-6f7f3f1c2d90"

static char root[64];

static void make_dirs(char *path)
{
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(path, 0755);
		*p = '/';
	}
}

static void put_text(const char *path, const char *text, size_t len)
{
	char whole[PATH_MAX];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	make_dirs(whole);
	f = fopen(whole, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static void put(const char *path, const char *data)
{
	size_t len;
	char *text = slurp(data, &len);

	put_text(path, text, len);
	free(text);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/varve-bundle-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int unlink_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int read_as(const char *runtime, const char *cid, const char *pod_uid, const char *bundle,
		   struct container_metadata *ret_meta)
{
	struct cgroup_identity id = {};

	snprintf(id.container_id, sizeof(id.container_id), "%s", cid);
	snprintf(id.runtime, sizeof(id.runtime), "%s", runtime);
	snprintf(id.pod_uid, sizeof(id.pod_uid), "%s", pod_uid);
	return container_read_metadata(root, &id, bundle, ret_meta);
}

static void looks_in_containerds_state(void **state)
{
	struct container_metadata meta;

	(void)state;
	assert_int_equal(read_as("containerd", C, U, NULL, &meta), -ENOENT);
	put("/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" C "/config.json",
	    "containerd-container.json");
	assert_int_equal(read_as("containerd", C, U, NULL, &meta), 0);
	assert_string_equal(meta.name, "web");
	/* the same id in another namespace: no guess */
	put("/run/containerd/io.containerd.runtime.v2.task/default/" C "/config.json",
	    "plain.json");
	assert_int_equal(read_as("containerd", C, U, NULL, &meta), -ENOENT);
	assert_int_equal(read_as("containerd", C, U,
				 "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" C,
				 &meta),
			 0);
}

static void looks_in_dockers_places(void **state)
{
	struct container_metadata meta;

	(void)state;
	put("/run/containerd/io.containerd.runtime.v2.task/moby/" C "/config.json", "plain.json");
	put("/var/lib/docker/containers/" C "/config.v2.json", "docker.config.v2.json");
	assert_int_equal(read_as("docker", C, "", NULL, &meta), 0);
	assert_string_equal(meta.name, "quirky_lamarr");
	assert_string_equal(meta.image, "nginx:1.25");
	put_text("/var/lib/docker/containers/" C "/config.v2.json", "{\"ID\":", 6);
	assert_int_equal(read_as("docker", C, "", NULL, &meta), -EAGAIN);
}

static void looks_in_podmans_and_crios_storage(void **state)
{
	struct container_metadata meta;

	(void)state;
	put("/var/lib/containers/storage/overlay-containers/" C "/userdata/config.json",
	    "podman.json");
	assert_int_equal(read_as("podman", C, "", NULL, &meta), 0);
	assert_string_equal(meta.name, "");
	put("/var/lib/containers/storage/overlay-containers/volatile-containers.json",
	    "containers.json");
	assert_int_equal(read_as("podman", C, "", NULL, &meta), 0);
	assert_string_equal(meta.name, "eager_curie");
	assert_string_equal(meta.image, "docker.io/library/alpine:3.19");
	/* a user's own storage, known from the runtime's arguments */
	put("/home/u/st/overlay-containers/" C "/userdata/config.json", "podman.json");
	put("/home/u/st/overlay-containers/containers.json", "containers.json");
	assert_int_equal(
		read_as("podman", C, "", "/home/u/st/overlay-containers/" C "/userdata", &meta), 0);
	assert_string_equal(meta.name, "eager_curie");
	put("/run/containers/storage/overlay-containers/" C "/userdata/config.json",
	    "crio-container.json");
	assert_int_equal(read_as("cri-o", C, U, NULL, &meta), 0);
	assert_string_equal(meta.pod_name, "shop-0");
}

static void follows_a_low_level_runtimes_state(void **state)
{
	struct container_metadata meta;

	(void)state;
	put("/run/runc/web/state.json", "runc-state.json");
	assert_int_equal(read_as("runc", "web", "", NULL, &meta), -ENOENT);
	put("/run/bundles/web/config.json", "demo.json");
	assert_int_equal(read_as("runc", "web", "", NULL, &meta), 0);
	assert_string_equal(meta.name, "checkout");
	put("/run/crun/other/status", "crun-status.json");
	assert_int_equal(read_as("runc", "other", "", NULL, &meta), 0);
	assert_string_equal(meta.pod_name, "checkout-0");
	/* ids that would lead elsewhere */
	assert_int_equal(read_as("runc", "..", "", NULL, &meta), -ENOENT);
	assert_int_equal(read_as("runc", "../runc/web", "", NULL, &meta), -ENOENT);
}

static void tells_half_written_and_unusable_files(void **state)
{
	struct container_metadata meta;
	char path[PATH_MAX];

	(void)state;
	put_text("/b/config.json", "{\"ociVersion\":\"1.0", 18);
	assert_int_equal(read_as("runc", "x", "", "/b", &meta), -EAGAIN);
	put_text("/b/config.json", "", 0);
	assert_int_equal(read_as("runc", "x", "", "/b", &meta), -EAGAIN);
	put_text("/b/config.json", "[\"no configuration at all\"]", 27);
	assert_int_equal(read_as("runc", "x", "", "/b", &meta), -EINVAL);
	/* a FIFO must neither be read nor wait for a writer; a directory is no file */
	snprintf(path, sizeof(path), "%s/fifo", root);
	mkdir(path, 0755);
	strcat(path, "/config.json");
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(read_as("runc", "x", "", "/fifo", &meta), -EINVAL);
	put_text("/d/config.json/x", "", 0);
	assert_int_equal(read_as("runc", "x", "", "/d", &meta), -EINVAL);
	/* above the limit, sparse */
	put_text("/big/config.json", "{", 1);
	snprintf(path, sizeof(path), "%s/big/config.json", root);
	assert_int_equal(truncate(path, CONTAINER_FILE_LIMIT + 1), 0);
	assert_int_equal(read_as("runc", "x", "", "/big", &meta), -EINVAL);
}

static void links_stay_below_the_root(void **state)
{
	struct container_metadata meta;
	char path[PATH_MAX], outside[PATH_MAX];

	(void)state;
	put("/real/config.json", "demo.json");
	snprintf(path, sizeof(path), "%s/link", root);
	assert_int_equal(symlink("/real", path), 0);
	assert_int_equal(read_as("runc", "x", "", "/link", &meta), 0);
	assert_string_equal(meta.name, "checkout");
	/* the machine's own file, by its absolute path, is not below the root */
	snprintf(outside, sizeof(outside), "%s/real", root);
	snprintf(path, sizeof(path), "%s/out", root);
	assert_int_equal(symlink(outside, path), 0);
	assert_int_equal(read_as("runc", "x", "", "/out", &meta), -ENOENT);
}

static void another_pods_bundle_is_not_believed(void **state)
{
	struct container_metadata meta;

	(void)state;
	put("/b/config.json", "demo.json");
	assert_int_equal(
		read_as("containerd", C, "5c8e3a10-1111-4222-8333-944455556666", "/b", &meta), 0);
	assert_string_equal(meta.name, "checkout");
	assert_string_equal(meta.pod_uid, "");
	assert_string_equal(meta.pod_name, "");
	assert_string_equal(meta.pod_namespace, "");
	assert_int_equal(read_as("containerd", C, U, "/b", &meta), 0);
	assert_string_equal(meta.pod_name, "checkout-0");
}

/* podman run --annotation, docker run --annotation */
static void annotations_of_who_asked_are_not_believed(void **state)
{
	struct container_metadata meta;

	(void)state;
	put("/var/lib/containers/storage/overlay-containers/" C "/userdata/config.json",
	    "podman-annotated.json");
	put("/var/lib/containers/storage/overlay-containers/containers.json", "containers.json");
	assert_int_equal(read_as("podman", C, "", NULL, &meta), 0);
	assert_string_equal(meta.name, "eager_curie");
	assert_string_equal(meta.image, "docker.io/library/alpine:3.19");
	assert_string_equal(meta.pod_uid, "");
	assert_string_equal(meta.pod_name, "");
	assert_string_equal(meta.pod_namespace, "");
	assert_false(meta.is_sandbox);
	put("/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/" C "/config.json",
	    "containerd-container.json");
	put("/var/lib/docker/containers/" C "/config.v2.json", "docker.config.v2.json");
	assert_int_equal(read_as("docker", C, "", NULL, &meta), 0);
	assert_string_equal(meta.name, "quirky_lamarr");
	assert_string_equal(meta.image, "nginx:1.25");
	assert_string_equal(meta.pod_name, "");
}

#define ON_DISK(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(looks_in_containerds_state),
		ON_DISK(looks_in_dockers_places),
		ON_DISK(looks_in_podmans_and_crios_storage),
		ON_DISK(follows_a_low_level_runtimes_state),
		ON_DISK(tells_half_written_and_unusable_files),
		ON_DISK(links_stay_below_the_root),
		ON_DISK(another_pods_bundle_is_not_believed),
		ON_DISK(annotations_of_who_asked_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
