/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup paths of every runtime, driver and hierarchy we know, and what a hostile one may not do.
 */
#include "sensor/container_cgroup.h"

#include "evidence/base.h"
#include "evidence/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define A     "3f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a756"
#define B     "9e107d9d372bb6826bd81d3542a419d69e107d9d372bb6826bd81d3542a419d6"
#define U     "0b1f6d4c-9a55-4e83-8b54-6f7f3f1c2d90"
#define US    "0b1f6d4c_9a55_4e83_8b54_6f7f3f1c2d90"
#define U2    "5c8e3a10-1111-4222-8333-944455556666"
#define HEX32 "7d4f0c1be2a95d3386f1c0a2b4d6e8f0"

struct path_case {
	const char *path, *id, *runtime, *pod_uid;
	bool named;
};

static const struct path_case containers[] = {
	/* containerd's CRI, cgroupfs driver */
	{"/kubepods/burstable/pod" U "/" A, A, "containerd", U, false},
	{"/kubepods/besteffort/pod" U "/" A, A, "containerd", U, false},
	{"/kubepods/pod" U "/" A, A, "containerd", U, false},
	{"/kubelet/kubepods/besteffort/pod" U "/" A, A, "containerd", U, false},
	{"/kubepods/burstable/pod" HEX32 "/" A, A, "containerd", HEX32, false},
	/* ... systemd driver */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" US
	 ".slice/cri-containerd-" A ".scope",
	 A, "containerd", U, false},
	{"/kubepods.slice/kubepods-pod" US ".slice/cri-containerd-" A ".scope", A, "containerd", U,
	 false},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" HEX32
	 ".slice/cri-containerd-" A ".scope",
	 A, "containerd", HEX32, false},
	/* ... systemd names under the cgroupfs driver */
	{"/system.slice/containerd.service/kubepods-burstable-pod" US ".slice:cri-containerd:" A, A,
	 "containerd", U, false},
	/* a CRI client that is no kubelet */
	{"/k8s.io/" A, A, "containerd", "", false},
	{"/kubepods/podnot-a-uid/" A, A, "containerd", "", false},
	/* kind: kubelet in a docker container */
	{"/docker/" B "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	 "kubelet-kubepods-burstable-pod" US ".slice/cri-containerd-" A ".scope",
	 A, "containerd", U, false},
	{"/docker/" B "/kubelet/kubepods/burstable/pod" U "/" A, A, "containerd", U, false},
	/* kind's own processes and its pods' parents: the node container, which is in no pod */
	{"/docker/" B "/kubelet/kubepods/burstable/pod" U, B, "docker", "", false},
	{"/docker/" B "/system.slice/containerd.service", B, "docker", "", false},
	/* CRI-O */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" US ".slice/crio-" A
	 ".scope",
	 A, "cri-o", U, false},
	{"/kubepods/besteffort/pod" U "/crio-" A, A, "cri-o", U, false},
	{"/kubepods.slice/kubepods-pod" US ".slice/crio-" A ".scope/container", A, "cri-o", U,
	 false},
	/* Docker */
	{"/docker/" A, A, "docker", "", false},
	{"/system.slice/docker-" A ".scope", A, "docker", "", false},
	{"/system.slice/docker-" A ".scope/init.scope", A, "docker", "", false},
	{"/system.slice:docker:" A, A, "docker", "", false},
	{"/kubepods/burstable/pod" U "/docker/" A, A, "docker", U, false},
	{"/kubepods.slice/kubepods-pod" US ".slice/docker-" A ".scope", A, "docker", U, false},
	{"/actions_job/" A, A, "", "", false},
	/* podman */
	{"/libpod_parent/libpod-" A, A, "podman", "", false},
	{"/machine.slice/libpod-" A ".scope", A, "podman", "", false},
	{"/machine.slice/libpod-" A ".scope/container", A, "podman", "", true},
	{"/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope/container", A, "podman",
	 "", true},
	{"/libpod_parent/" B "/libpod-" A, A, "podman", "", false},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A ".scope/container", A,
	 "podman", "", false},
	{"/system.slice/app.service/libpod-payload-" A, A, "podman", "", false},
	/* systemd as pid 1 in a container; docker in docker; podman in a pod */
	{"/docker/" A "/system.slice/nginx.service", A, "docker", "", false},
	{"/docker/" A "/docker/" B, B, "docker", "", false},
	{"/kubepods/burstable/pod" U "/" A "/docker/" B, B, "docker", U, false},
	{"/kubepods/burstable/pod" U "/" A "/libpod_parent/libpod-conmon-" B, A, "containerd", U,
	 false},
	{"/kubepods/burstable/pod" U "/" A "/kubepods/pod" U2 "/" B, B, "containerd", U2, false},
	/* low-level runtimes alone */
	{"/mycontainer", "mycontainer", "runc", "", true},
	{"/some/where/web.1+a_b", "web.1+a_b", "runc", "", true},
	{"/system.slice/runc-web.scope", "web", "runc", "", false},
	{"/user.slice/user-1000.slice/crun-web.scope", "web", "runc", "", false},
	{"/system.slice/youki-web.scope", "web", "runc", "", false},
	{"/user.slice/crun-web.scope/container", "web", "runc", "", true},
	{"/user.slice/user-0.slice/session-1.scope/web", "web", "runc", "", true},
	/* containerd's own client */
	{"/default/redis", "redis", "containerd", "", true},
	{"/default/" A, A, "containerd", "", false},
	{"/default/nerdctl-" A, A, "containerd", "", false},
	{"/team-a/redis", "redis", "runc", "", true},
	/* others that follow the common form */
	{"/system.slice/isulad-" A ".scope", A, "", "", false},
	{"/" A, A, "", "", false},
	/* across cgroup namespaces, odd slashes, an outlived cgroup */
	{"/../../docker/" A, A, "docker", "", false},
	{"/../kubepods/pod" U "/" A "/..", A, "containerd", U, true},
	{"//docker//" A "//", A, "docker", "", false},
	{"/docker/" A " (deleted)", A, "docker", "", false},
};

static void finds_the_container(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
		const struct path_case *c = &containers[i];
		struct cgroup_identity id = {};
		int err = container_parse_cgroup(c->path, c->named, &id);

		if (err || strcmp(id.container_id, c->id) || strcmp(id.runtime, c->runtime) ||
		    strcmp(id.pod_uid, c->pod_uid))
			fail_msg("%s: %d '%s' '%s' '%s'", c->path, err, id.container_id, id.runtime,
				 id.pod_uid);
	}
}

static const struct {
	const char *path;
	bool named;
} others[] = {
	{"/", false},
	{"/", true},
	{"/..", true},
	{"/init.scope", true},
	{"/system.slice/ssh.service", false},
	{"/system.slice/ssh.service", true},
	{"/user.slice/user-1000.slice/session-2.scope", false},
	{"/kubepods.slice/kubepods-burstable.slice", true},
	{"/kubepods/burstable", true},
	{"/kubepods/burstable/pod" U, true},
	{"/kubepods/burstable/podgarbage", true},
	{"/kubepods.slice/kubepods-pod" US ".slice", true},
	{"/kubepods.slice/kubepods-pod" US ".slice/crio-conmon-" A ".scope", true},
	{"/machine.slice/libpod-conmon-" A ".scope", true},
	{"/libpod_parent/libpod-conmon-" A, true},
	{"/libpod_parent", true},
	{"/libpod_parent/" B, true},
	{"/machine.slice/machine-libpod_pod_" B ".slice", true},
	{"/docker", true},
	{"/default", true},
	/* near misses */
	{"/docker/3f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a75", false},
	{"/docker/" A "0", false},
	{"/docker-" A "\n.scope", false},
	{"/x/cri-containerd-" A ".scope.d", false},
	{"/runc-.scope", false},
	{"/runc-web", false},
	{"/a:b:c", false},
	{"/:::::", false},
};

static void finds_no_container(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct cgroup_identity id = {.container_id = "untouched"};
		int err = container_parse_cgroup(others[i].path, others[i].named, &id);

		if (err != -ENOENT || strcmp(id.container_id, "untouched"))
			fail_msg("%s: %d '%s'", others[i].path, err, id.container_id);
	}
}

static void refuses_what_is_no_path(void **state)
{
	struct cgroup_identity id;
	char *path = malloc(8192);

	(void)state;
	assert_non_null(path);
	assert_int_equal(container_parse_cgroup("", true, &id), -EINVAL);
	assert_int_equal(container_parse_cgroup("docker/" A, true, &id), -EINVAL);
	memset(path, '/', 8191);
	path[8191] = 0;
	assert_int_equal(container_parse_cgroup(path, true, &id), -EINVAL);
	path[4096] = 0;
	assert_int_equal(container_parse_cgroup(path, true, &id), -EINVAL);
	memcpy(path + 4095 - 64, A, 65);
	assert_int_equal(container_parse_cgroup(path, true, &id), 0);
	assert_string_equal(id.container_id, A);
	free(path);
}

/* A container without a pod uid in reach must not inherit a malformed one. */
static void takes_no_garbage_for_a_pod(void **state)
{
	static const char *const paths[] = {
		"/kubepods/pod/" A,
		"/kubepods/pod" U "x/" A,
		"/kubepods/pod0b1f6d4c-9a55-4e83-8b54-6f7f3f1c2d9g/" A,
		"/kubepods/pod0b1f6d4c9a55-4e83-8b54-6f7f3f1c2d90aa/" A,
		"/kubepods.slice/kubepods-pod.slice/" A,
		"/kubepods.slice/kubepods-pod-pod-pod.slice/" A,
	};
	struct cgroup_identity id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(container_parse_cgroup(paths[i], false, &id), 0);
		assert_string_equal(id.container_id, A);
		assert_string_equal(id.pod_uid, "");
	}
}

static void id_is_always_valid_utf8(void **state)
{
	struct cgroup_identity id;
	char path[512] = "/";

	(void)state;
	assert_int_equal(container_parse_cgroup("/a\xff\xc3(\xe2\x82z", true, &id), 0);
	assert_string_equal(id.container_id, "a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbdz");
	assert_int_equal(container_parse_cgroup("/caf\xc3\xa9-\xf0\x9f\x90\xb3", true, &id), 0);
	assert_string_equal(id.container_id, "caf\xc3\xa9-\xf0\x9f\x90\xb3");
	assert_int_equal(container_parse_cgroup("/a\nb\x1b[2J", true, &id), 0);
	assert_string_equal(id.container_id, "a\nb\x1b[2J");
	/* replaced bytes are longer: cut at the bound, between characters */
	memset(path + 1, 0xff, 255);
	assert_int_equal(container_parse_cgroup(path, true, &id), 0);
	assert_int_equal(strlen(id.container_id), 255);
	assert_true(text_is_utf8(id.container_id, strlen(id.container_id)));
	memset(path + 1, 'x', 300);
	assert_int_equal(container_parse_cgroup(path, true, &id), 0);
	assert_int_equal(strlen(id.container_id), CONTAINER_ID_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_container),
		cmocka_unit_test(finds_no_container),
		cmocka_unit_test(refuses_what_is_no_path),
		cmocka_unit_test(takes_no_garbage_for_a_pod),
		cmocka_unit_test(id_is_always_valid_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
