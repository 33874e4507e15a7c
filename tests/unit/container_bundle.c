/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of each runtime (tests/unit/data: made as the runtimes make them, runc's state by
 * runc), hostile and half-written ones. Run from the top of the source.
 */
#include "sensor/container_bundle.h"
#include "tests/unit/data.h"

#include "evidence/base.h"
#include "evidence/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define C "3f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a7563f4b2c9d81e0a756"
#define U "0b1f6d4c-9a55-4e83-8b54-6f7f3f1c2d90"

static const struct {
	const char *file, *name, *image, *pod_uid, *pod_name, *pod_namespace;
	bool is_sandbox;
} bundles[] = {
	{"containerd-container.json", "web", "docker.io/library/nginx:1.25", U,
	 "shop-6d5f7c9b8d-x2x7k", "retail", false},
	{"containerd-sandbox.json", "", "", U, "shop-6d5f7c9b8d-x2x7k", "retail", true},
	{"crio-container.json", "web", "quay.io/shop/web:2.1", U, "shop-0", "retail", false},
	{"crio-1.34-container.json", "app", "example.test/web:1",
	 "a9865d23-78c5-49da-8fd2-469356d5373d", "web-0", "shop", false},
	{"crio-sandbox.json", "", "", U, "shop-0", "retail", true},
	{"podman.json", "", "", "", "", "", false},
	{"plain.json", "", "", "", "", "", false},
	{"demo.json", "checkout", "localhost/checkout:1", U, "checkout-0", "demo", false},
};

static void reads_each_runtime(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bundles); i++) {
		struct container_metadata meta;
		size_t len;
		char *text = slurp(bundles[i].file, &len);

		if (container_parse_bundle(text, len, &meta))
			fail_msg("%s", bundles[i].file);
		assert_string_equal(meta.name, bundles[i].name);
		assert_string_equal(meta.image, bundles[i].image);
		assert_string_equal(meta.pod_uid, bundles[i].pod_uid);
		assert_string_equal(meta.pod_name, bundles[i].pod_name);
		assert_string_equal(meta.pod_namespace, bundles[i].pod_namespace);
		assert_int_equal(meta.is_sandbox, bundles[i].is_sandbox);
		free(text);
	}
}

static int parse(const char *json, struct container_metadata *ret_meta)
{
	return container_parse_bundle(json, strlen(json), ret_meta);
}

static void half_written_is_told_from_wrong(void **state)
{
	struct container_metadata meta = {.name = "untouched"};
	size_t len;
	char *text = slurp("crio-container.json", &len);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		char *part = malloc(cut + !cut);

		memcpy(part, text, cut);
		if (container_parse_bundle(part, cut, &meta) != -EAGAIN)
			fail_msg("cut at %zu of %zu: %.20s", cut, len, text + cut);
		free(part);
	}
	free(text);
	assert_int_equal(parse("[]", &meta), -EINVAL);
	assert_int_equal(parse("{}", &meta), -EINVAL);
	assert_int_equal(parse("{\"ociVersion\":1}", &meta), -EINVAL);
	assert_int_equal(parse("#!/bin/sh\necho this is no configuration\n", &meta), -EINVAL);
	assert_int_equal(parse("{\"ociVersion\":\"1.0.2\"} and something behind it", &meta),
			 -EINVAL);
	assert_string_equal(meta.name, "untouched");
}

static void survives_hostile_json(void **state)
{
	struct container_metadata meta;
	char *deep = malloc(100000);
	char *big = malloc(CONTAINER_FILE_LIMIT + 2);

	(void)state;
	memset(deep, '[', 99999);
	deep[99999] = 0;
	assert_true(parse(deep, &meta) < 0);
	free(deep);
	memset(big, ' ', CONTAINER_FILE_LIMIT + 1);
	memcpy(big, "{\"ociVersion\":\"1\"}", 18);
	assert_int_equal(container_parse_bundle(big, CONTAINER_FILE_LIMIT + 1, &meta), -EINVAL);
	assert_int_equal(container_parse_bundle(big, CONTAINER_FILE_LIMIT, &meta), 0);
	free(big);
	assert_int_equal(parse("{\"ociVersion\":\"1\",\"annotations\":[1,2]}", &meta), 0);
	assert_int_equal(
		parse("{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.pod.name\":7,"
		      "\"io.kubernetes.cri.container-type\":{}},\"x\":"
		      "123456789012345678901234567890}",
		      &meta),
		0);
	assert_string_equal(meta.pod_name, "");
	assert_false(meta.is_sandbox);
}

static void strings_are_cut_between_characters(void **state)
{
	struct container_metadata meta;
	char json[4096];
	size_t len = snprintf(
		json, sizeof(json),
		"{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.pod.name\":\"a\\u0000b\","
		"\"io.kubernetes.container.name\":\"x");

	(void)state;
	for (size_t i = 0; i < 200; i++)
		len += snprintf(json + len, sizeof(json) - len, "\xc3\xa9");
	snprintf(json + len, sizeof(json) - len, "\"}}");
	assert_int_equal(parse(json, &meta), 0);
	assert_int_equal(strlen(meta.name), 255);
	assert_true(text_is_utf8(meta.name, 255));
	/* a NUL neither hides the rest nor makes the bundle unreadable */
	assert_string_equal(meta.pod_name, "a\xef\xbf\xbd"
					   "b");
}

/* Annotations a pod's author can set must not rename the pod. */
static void believes_only_the_runtimes_own_keys(void **state)
{
	struct container_metadata meta;

	(void)state;
	assert_int_equal(parse("{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.cri."
			       "container-type\":\"container\","
			       "\"io.kubernetes.cri.sandbox-name\":\"real\",\"io.kubernetes.cri-o."
			       "ContainerType\":\"sandbox\","
			       "\"io.kubernetes.pod.name\":\"forged\",\"io.kubernetes.pod."
			       "namespace\":\"forged\"},"
			       "\"linux\":{\"cgroupsPath\":\"/kubepods/pod" U "/" C "\"}}",
			       &meta),
			 0);
	assert_string_equal(meta.pod_name, "real");
	assert_string_equal(meta.pod_namespace, "");
	assert_false(meta.is_sandbox);
	assert_int_equal(parse("{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.cri."
			       "container-type\":\"sandbox\","
			       "\"io.kubernetes.cri.sandbox-name\":\"forged\",\"io.kubernetes.cri-"
			       "o.ContainerType\":\"container\","
			       "\"io.kubernetes.cri-o.Metadata\":\"{\\\"name\\\":\\\"web\\\"}\","
			       "\"io.kubernetes.pod.name\":\"real\"},"
			       "\"linux\":{\"cgroupsPath\":\"kubepods.slice:crio:" C "\"}}",
			       &meta),
			 0);
	assert_string_equal(meta.pod_name, "real");
	assert_string_equal(meta.name, "web");
	assert_false(meta.is_sandbox);
	/* CRI-O copies a pod's annotations over its own of the sandbox, labels over those */
	assert_int_equal(
		parse("{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.cri-o."
		      "ContainerType\":\"container\",\"io.kubernetes.container.name\":\"POD\","
		      "\"io.kubernetes.cri-o.Image\":\"forged\","
		      "\"io.kubernetes.cri-o.ImageName\":\"forged\","
		      "\"io.kubernetes.pod.name\":\"real\"}}",
		      &meta),
		0);
	assert_true(meta.is_sandbox);
	assert_string_equal(meta.pod_name, "real");
	assert_string_equal(meta.name, "");
	assert_string_equal(meta.image, "");
	/* containerd names no image and no container for a sandbox */
	assert_int_equal(parse("{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.cri."
			       "container-type\":\"sandbox\","
			       "\"io.kubernetes.cri.sandbox-name\":\"real\","
			       "\"io.kubernetes.cri.container-name\":\"forged\","
			       "\"io.kubernetes.cri.image-name\":\"forged\"}}",
			       &meta),
			 0);
	assert_true(meta.is_sandbox);
	assert_string_equal(meta.pod_name, "real");
	assert_string_equal(meta.name, "");
	assert_string_equal(meta.image, "");
}

static void reads_docker(void **state)
{
	struct container_metadata meta;
	size_t len;
	char *text = slurp("docker.config.v2.json", &len);

	(void)state;
	assert_int_equal(container_parse_docker(text, len, &meta), 0);
	assert_string_equal(meta.name, "quirky_lamarr");
	assert_string_equal(meta.image, "nginx:1.25");
	assert_string_equal(meta.pod_name, ""); /* a label of the user's */
	assert_int_equal(container_parse_docker(text, len / 2, &meta), -EAGAIN);
	free(text);
	text = slurp("docker-shim.config.v2.json", &len);
	assert_int_equal(container_parse_docker(text, len, &meta), 0);
	assert_string_equal(meta.name, "web");
	assert_string_equal(meta.pod_name, "shop-0");
	assert_string_equal(meta.pod_namespace, "retail");
	assert_string_equal(meta.pod_uid, U);
	free(text);
	assert_int_equal(container_parse_docker("{\"ID\":\"x\"}", 10, &meta), -EINVAL);
}

static void reads_storage_lists(void **state)
{
	struct container_metadata meta = {};
	char crio_id[65];
	size_t len;
	char *text = slurp("containers.json", &len);

	(void)state;
	memset(crio_id, 'c', 64);
	crio_id[64] = 0;
	assert_int_equal(container_parse_storage(text, len, C, &meta), 0);
	assert_string_equal(meta.name, "eager_curie");
	assert_string_equal(meta.image, "docker.io/library/alpine:3.19");
	assert_int_equal(container_parse_storage(text, len, crio_id, &meta), 0);
	assert_string_equal(meta.name, "web");
	assert_int_equal(container_parse_storage(text, len, "nobody", &meta), -ENOENT);
	assert_int_equal(container_parse_storage("{}", 2, C, &meta), -EINVAL);
	free(text);
}

static void reads_state(void **state)
{
	char dir[32] = "untouched";
	size_t len;
	char *text = slurp("runc-state.json", &len);

	(void)state;
	assert_int_equal(container_parse_state(text, len, dir, 8), -ENAMETOOLONG);
	assert_string_equal(dir, "untouched");
	/* not the annotation of that name before it */
	assert_int_equal(container_parse_state(text, len, dir, sizeof(dir)), 0);
	assert_string_equal(dir, "/run/bundles/web");
	free(text);
	text = slurp("crun-status.json", &len);
	memset(dir, 0, sizeof(dir));
	assert_int_equal(container_parse_state(text, len, dir, sizeof(dir)), 0);
	assert_string_equal(dir, "/run/bundles/web");
	free(text);
	assert_int_equal(container_parse_state("{\"bundle\":\"relative\"}", 21, dir, sizeof(dir)),
			 -ENOENT);
	assert_int_equal(container_parse_state("{}", 2, dir, sizeof(dir)), -ENOENT);
}

static const struct {
	const char *args;
	size_t len;
	const char *cwd;
	int err;
	const char *dir;
} command_lines[] = {
#define ARGS(text) text, sizeof(text) - 1
	{ARGS("/usr/bin/runc\0--root\0/run/containerd/runc/k8s.io\0--log\0/"
	      "l.json\0--log-format\0json\0create\0"
	      "--bundle\0/run/containerd/io.containerd.runtime.v2.task/k8s.io/" C
	      "\0--pid-file\0/init.pid\0" C "\0"),
	 "/", 0, "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" C},
	{ARGS("runc\0run\0-b\0/b\0x\0"), "/", 0, "/b"},
	{ARGS("crun\0create\0--bundle=/b c\0x\0"), "/", 0, "/b c"},
	{ARGS("crun\0create\0-b/b\0x\0"), "/", 0, "/b"},
	{ARGS("runc\0create\0-bundle\0/b\0x\0"), "/", 0, "/b"},
	{ARGS("runc\0create\0-b=/b\0x\0"), "/", 0, "/b"},
	{ARGS("runc\0run\0-b\0sub\0x\0"), "/srv", 0, "/srv/sub"},
	{ARGS("runc\0run\0-b\0sub\0x\0"), "/", 0, "/sub"},
	{ARGS("runc\0run\0x\0"), "/srv/bundle", 0, "/srv/bundle"},
	{ARGS("runc\0run\0x\0"), NULL, -ENOENT, NULL},
	{ARGS("runc\0run\0-b\0sub\0x\0"), NULL, -ENOENT, NULL},
	{ARGS("runc\0run\0-b\0/no/nul"), NULL, 0, "/no/nul"},
	{ARGS("runc\0run\0-b"), "/srv", 0, "/srv"},
	{ARGS("runc\0run\0--\0-b\0/b\0"), "/srv", 0, "/srv"},
	{ARGS(""), "/srv", -ENOENT, NULL},
};

static void finds_the_bundle_in_arguments(void **state)
{
	char dir[256], small[4] = "abc", *args;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(command_lines); i++) {
		size_t len = command_lines[i].len;

		args = malloc(len + !len);
		memcpy(args, command_lines[i].args, len);
		memset(dir, 0, sizeof(dir));
		assert_int_equal(container_bundle_from_args(args, len, command_lines[i].cwd, dir,
							    sizeof(dir)),
				 command_lines[i].err);
		if (command_lines[i].dir)
			assert_string_equal(dir, command_lines[i].dir);
		free(args);
	}
	assert_int_equal(
		container_bundle_from_args("r\0-b\0/toolong", 13, NULL, small, sizeof(small)),
		-ENAMETOOLONG);
	assert_string_equal(small, "abc");
}

/* One odd byte among the arguments must not hide the pod's name. */
static void keeps_the_name_beside_what_is_no_unicode(void **state)
{
	static const char *const args[] = {"\xff\xfe", "\\udcff", "\\ud800x", "\\ud83d\\ude00",
					   "\\\\udcff"};
	struct container_metadata meta;
	char json[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		snprintf(json, sizeof(json),
			 "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"%s\"]},"
			 "\"annotations\":{"
			 "\"io.kubernetes.cri.container-type\":\"container\","
			 "\"io.kubernetes.cri.sandbox-name\":\"shop-0\"}}",
			 args[i]);
		assert_int_equal(container_parse_bundle(json, strlen(json), &meta), 0);
		assert_string_equal(meta.pod_name, "shop-0");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_runtime),
		cmocka_unit_test(keeps_the_name_beside_what_is_no_unicode),
		cmocka_unit_test(half_written_is_told_from_wrong),
		cmocka_unit_test(survives_hostile_json),
		cmocka_unit_test(strings_are_cut_between_characters),
		cmocka_unit_test(believes_only_the_runtimes_own_keys),
		cmocka_unit_test(reads_docker),
		cmocka_unit_test(reads_storage_lists),
		cmocka_unit_test(reads_state),
		cmocka_unit_test(finds_the_bundle_in_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
