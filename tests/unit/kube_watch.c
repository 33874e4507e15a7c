/* SPDX-License-Identifier: Apache-2.0 */
/* varve-kubewatch's parsers: pods, pages of a list, lines of a watch; and the check of its
 * messages. */
#include "kubewatch/pod.h"
#include "kubewatch/watch.h"

#include "evidence/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct kube_pod pod, told[8];
static enum kube_message_type told_types[8];
static size_t told_cnt;
static struct watch *w;

static int tell(enum kube_message_type type, const struct kube_pod *p, void *ctx)
{
	(void)ctx;
	assert_true(told_cnt < ARRAY_SIZE(told));
	told_types[told_cnt] = type;
	told[told_cnt++] = *p;
	return 0;
}

static int open_watch(void **state)
{
	struct watch_opts opts = {.node = "n1", .allowed_labels = "app,x/*", .tell = tell};

	(void)state;
	told_cnt = 0;
	return watch_new(&opts, &w);
}

static int close_watch(void **state)
{
	(void)state;
	watch_free(w);
	return 0;
}

static int parse(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	json_t *json;
	int err;

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	err = pod_from_json(json, "app,x/*", &pod);
	json_decref(json);
	return err;
}

static void test_a_pod(void **state)
{
	(void)state;
	assert_int_equal(
		parse("{'metadata':{'uid':'u1','name':'web-7c9d-x2','namespace':'shop','"
		      "creationTimestamp':"
		      "'2026-11-25T10:00:00Z','labels':{'app':'web','secret':'no','x/y':'z',"
		      "'pod-template-hash':'7c9d'},'ownerReferences':[{'kind':'Other','name':'o'},{"
		      "'kind':'ReplicaSet','name':'web-7c9d','controller':true}]},'spec':{'"
		      "nodeName':"
		      "'n1','serviceAccountName':'sa','initContainers':[{'name':'prepare','image':'"
		      "i:1'}],"
		      "'containers':[{'name':'app','image':'i:2'}]},'status':{'phase':'Running','"
		      "podIP':"
		      "'10.0.0.1','podIPs':[{'ip':'10.0.0.1'},{'ip':'fd00::1'},{'ip':'more'}],"
		      "'containerStatuses':[{'name':'app','restartCount':2,'containerID':"
		      "'containerd://abc','imageID':'example.test/i@sha256:feed'}]}}"),
		0);
	assert_string_equal(pod.uid, "u1");
	assert_string_equal(pod.api_uid, "");
	assert_string_equal(pod.owner.name, "web-7c9d");
	assert_int_equal(pod.owner.concluded, 0);
	assert_string_equal(pod.workload.kind, "Deployment");
	assert_string_equal(pod.workload.name, "web");
	assert_int_equal(pod.workload.concluded, 1);
	assert_int_equal(pod.label_cnt, 2);
	assert_int_equal(pod.created_unix, 1795600800);
	assert_string_equal(pod.ips[1], "fd00::1");
	assert_int_equal(pod.container_cnt, 2);
	assert_string_equal(pod.containers[0].type, "init");
	assert_int_equal(pod.containers[0].restart_count, -1);
	assert_string_equal(pod.containers[1].id, "abc");
	assert_string_equal(pod.containers[1].image_digest, "sha256:feed");
	assert_int_equal(pod.containers[1].restart_count, 2);
}

static void expect_workload(const char *kind, const char *name, const char *labels,
			    const char *workload_kind, const char *workload)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{'metadata':{'uid':'u','labels':{%s},'ownerReferences':[{'kind':'%s','name':'%s',"
		 "'controller':true}]}}",
		 labels, kind, name);
	assert_int_equal(parse(text), 0);
	assert_string_equal(pod.workload.kind, workload_kind);
	assert_string_equal(pod.workload.name, workload);
}

static void test_workloads(void **state)
{
	(void)state;
	expect_workload("Job", "report-29412345", "", "CronJob", "report");
	expect_workload("Job", "report-manual", "", "Job", "report-manual");
	expect_workload("Job", "-29412345", "", "Job", "-29412345");
	expect_workload("Job", "report-2941234", "", "Job", "report-2941234");
	expect_workload("DaemonSet", "agent", "'pod-template-hash':'x'", "DaemonSet", "agent");
	expect_workload("ReplicaSet", "web-7c9d", "", "ReplicaSet", "web-7c9d");
	expect_workload("ReplicaSet", "web-7c9d", "'pod-template-hash':'other'", "ReplicaSet",
			"web-7c9d");
	expect_workload("ReplicaSet", "-7c9d", "'pod-template-hash':'7c9d'", "ReplicaSet", "-7c9d");
}

static void test_a_static_pod(void **state)
{
	(void)state;
	assert_int_equal(
		parse("{'metadata':{'uid':'u1','annotations':{'kubernetes.io/config.mirror':'h',"
		      "'kubernetes.io/config.hash':'0123456789abcdef0123456789abcdef'}}}"),
		0);
	assert_string_equal(pod.uid, "0123456789abcdef0123456789abcdef");
	assert_string_equal(pod.api_uid, "u1");
	/* One that would speak for another pod. */
	assert_int_equal(
		parse("{'metadata':{'uid':'u1','annotations':{'kubernetes.io/config.mirror':'h',"
		      "'kubernetes.io/config.hash':'6f1c7f0e-3b1d-4b66-8f57-1f0a4f1f9d11'}}}"),
		0);
	assert_string_equal(pod.uid, "u1");
}

static void test_odd_pods(void **state)
{
	static const char *const none[] = {"{}", "[]", "{'metadata':7}", "{'metadata':{'uid':7}}",
					   "{'metadata':{'uid':''}}"};
	char text[8192] = "{'metadata':{'uid':'u','labels':{'x/0':'v'";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(parse(none[i]), -EINVAL);
	assert_int_equal(parse("{'metadata':{'uid':'u','name':[],'ownerReferences':{},'labels':[]},"
			       "'spec':[],"
			       "'status':{'podIPs':'x','containerStatuses':7}}"),
			 0);
	for (int i = 1; i < 20; i++)
		sprintf(text + strlen(text), ",'x/%d':'v'", i);
	strcat(text, "}},'spec':{'containers':[{}");
	for (int i = 1; i < 40; i++)
		strcat(text, ",{'name':'c'}");
	strcat(text, "]}}");
	assert_int_equal(parse(text), 0);
	assert_int_equal(pod.label_cnt, KUBE_LABELS_MAX);
	assert_int_equal(pod.labels_left_out, 4);
	assert_int_equal(pod.container_cnt, KUBE_CONTAINERS_MAX);
	assert_int_equal(pod.containers_left_out, 8);
}

#define POD(uid, node, version)                                             \
	"{\"metadata\":{\"uid\":\"" uid "\",\"resourceVersion\":\"" version \
	"\"},\"spec\":{\"nodeName\":\"" node "\"}}"
#define LINE(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

static int page(const char *text)
{
	return watch_take_page(w, text, strlen(text));
}

static int piece(const char *text)
{
	return watch_take_piece(w, text, strlen(text));
}

static void test_pages(void **state)
{
	(void)state;
	assert_int_equal(page("{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[" POD(
				 "a", "n1", "1") "," POD("b", "n2", "2") "]}"),
			 0);
	assert_int_equal(told_cnt, 1); /* n2's is none of ours */
	assert_string_equal(told[0].uid, "a");
	assert_int_equal(page("{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":null}"), 0);
	assert_int_equal(page("{\"metadata\":{\"continue\":\"more\"},\"items\":[]}"), 0);
	assert_int_equal(page("{\"metadata\":{},\"items\":[]}"), -EPROTO);
	assert_int_equal(page("{\"kind\":\"Status\"}"), -EPROTO);
	assert_int_equal(page("{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":["), -EPROTO);
	assert_int_equal(page(""), -EPROTO);
}

static void test_lines_in_pieces(void **state)
{
	const char *text = LINE("ADDED", POD("a", "n1", "8")) LINE("MODIFIED", POD("a", "n1", "9"))
		LINE("BOOKMARK", POD("", "", "10")) LINE("DELETED", POD("a", "n1", "11")) "\n";

	(void)state;
	for (size_t i = 0; i < strlen(text); i++)
		assert_int_equal(watch_take_piece(w, text + i, 1), 0);
	assert_int_equal(told_cnt, 3);
	assert_int_equal(told_types[1], KUBE_POD);
	assert_int_equal(told_types[2], KUBE_POD_GONE);
	assert_int_equal(piece(text), 0);
	assert_int_equal(told_cnt, 6);
}

static void test_bad_lines(void **state)
{
	(void)state;
	assert_int_equal(piece(LINE("ERROR", "{\"code\":410}")), -ESTALE);
	assert_int_equal(piece(LINE("ERROR", "{\"code\":500}")), -EPROTO);
	assert_int_equal(piece("{\"type\":\"ADDED\"}\n"), -EPROTO);
	assert_int_equal(piece("{\"type\":\"ADD\n"), -EPROTO);
	assert_int_equal(piece(LINE("ADDED", "{\"metadata\":{\"uid\":\"a\"}}")), -EPROTO);
	assert_int_equal(piece(LINE("LATER", POD("a", "n1", "8"))), 0);
	assert_int_equal(told_cnt, 0);
}

static void test_an_endless_line(void **state)
{
	_cleanup_free_ char *text = malloc(1 << 20);
	int err = 0;

	(void)state;
	memset(text, ' ', 1 << 20);
	for (size_t i = 0; !err && i < 64; i++)
		err = watch_take_piece(w, text, 1 << 20);
	assert_int_equal(err, -EPROTO);
}

static void test_messages_are_checked(void **state)
{
	static struct kube_message m;

	(void)state;
	m.type = KUBE_LIST_BEGIN;
	assert_true(kube_message_check(&m, kube_message_size(m.type)));
	assert_false(kube_message_check(&m, sizeof(m)));
	assert_false(kube_message_check(&m, 4));
	m.type = KUBE_LIST_END + 1;
	assert_false(kube_message_check(&m, kube_message_size(m.type)));
	m.type = KUBE_POD;
	assert_false(kube_message_check(&m, sizeof(m))); /* no UID */
	strcpy(m.pod.uid, "u");
	assert_true(kube_message_check(&m, sizeof(m)));
	m.pod.label_cnt = KUBE_LABELS_MAX + 1;
	assert_false(kube_message_check(&m, sizeof(m)));
	m.pod.label_cnt = 1;
	memset(m.pod.labels[0].key, 'x', sizeof(m.pod.labels[0].key));
	assert_false(kube_message_check(&m, sizeof(m)));
	strcpy(m.pod.labels[0].key, "\xff");
	assert_false(kube_message_check(&m, sizeof(m)));
	strcpy(m.pod.labels[0].key, "app");
	assert_true(kube_message_check(&m, sizeof(m)));
	memset(m.pod.phase, 'x', sizeof(m.pod.phase));
	assert_false(kube_message_check(&m, sizeof(m)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pod),
		cmocka_unit_test(test_workloads),
		cmocka_unit_test(test_a_static_pod),
		cmocka_unit_test(test_odd_pods),
		cmocka_unit_test_setup_teardown(test_pages, open_watch, close_watch),
		cmocka_unit_test_setup_teardown(test_lines_in_pieces, open_watch, close_watch),
		cmocka_unit_test_setup_teardown(test_bad_lines, open_watch, close_watch),
		cmocka_unit_test_setup_teardown(test_an_endless_line, open_watch, close_watch),
		cmocka_unit_test(test_messages_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
