/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What varve-kubewatch and the sensor say to each other over their socket pair (SOCK_SEQPACKET, one
 * message a packet). varve-kubewatch talks to the network: the sensor believes none of its sizes,
 * and checks each message.
 */
#ifndef VARVE_KUBE_MESSAGE_H
#define VARVE_KUBE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lengths of Kubernetes' names (apimachinery's validation): an object 253, a label 63, its prefix
 * 253. */
#define KUBE_NAME_MAX	     253
#define KUBE_LABEL_MAX	     63
#define KUBE_LABEL_KEY_MAX   (KUBE_NAME_MAX + 1 + KUBE_LABEL_MAX)
#define KUBE_IMAGE_MAX	     511
#define KUBE_LABELS_MAX	     16
#define KUBE_CONTAINERS_MAX  32
#define KUBE_IPS_MAX	     2
#define KUBE_CREDENTIALS_MAX (128 << 10)
#define KUBE_TIME_MAX	     (INT64_MAX / 1000000000) /* it has to fit in ns */

/* All strings: valid UTF-8 with a NUL, "" if not said. */
struct kube_owner {
	char kind[KUBE_LABEL_MAX + 1];
	char name[KUBE_NAME_MAX + 1];
	uint32_t concluded; /* from names */
};

struct kube_label {
	char key[KUBE_LABEL_KEY_MAX + 1];
	char value[KUBE_LABEL_MAX + 1];
};

struct kube_container {
	char name[KUBE_LABEL_MAX + 1];
	char type[16]; /* "container", "init", "ephemeral" */
	char id[65];
	char image[KUBE_IMAGE_MAX + 1];
	char image_digest[128];
	int32_t restart_count; /* -1: not said */
};

struct kube_pod {
	char uid[37];	  /* as the node's cgroups have it */
	char api_uid[37]; /* metadata.uid, if it is another: static pods */
	char name[KUBE_NAME_MAX + 1];
	char namespace_[KUBE_LABEL_MAX + 1];
	struct kube_owner owner, workload;
	char service_account[KUBE_NAME_MAX + 1];
	char node_name[KUBE_NAME_MAX + 1];
	char ips[KUBE_IPS_MAX][46];
	char phase[16];
	int64_t created_unix; /* s, at most KUBE_TIME_MAX; 0: not said */
	uint32_t label_cnt, labels_left_out;
	uint32_t container_cnt, containers_left_out;
	struct kube_label labels[KUBE_LABELS_MAX];
	struct kube_container containers[KUBE_CONTAINERS_MAX];
};

enum kube_message_type {
	KUBE_WANT_CREDENTIALS = 1, /* before each request; answered with struct kube_credentials */
	KUBE_LIST_BEGIN,	   /* all pods of the node follow */
	KUBE_POD,		   /* in a list, or changed */
	KUBE_POD_GONE,
	KUBE_LIST_END, /* whatever did not come since KUBE_LIST_BEGIN is gone */
};

struct kube_message {
	uint32_t type;
	uint32_t pad0;
	struct kube_pod pod; /* KUBE_POD, KUBE_POD_GONE */
};

/* Whole, or cut behind `type` if there is no pod in it. */
static inline size_t kube_message_size(uint32_t type)
{
	return type == KUBE_POD || type == KUBE_POD_GONE ? sizeof(struct kube_message)
							 : offsetof(struct kube_message, pod);
}

/* From the sensor, which reads the files each time: they rotate. */
struct kube_credentials {
	uint32_t token_len, ca_len; /* 0: none */
	/* The token, then the CA's certificates (PEM); what is behind is not sent. */
	char data[KUBE_CREDENTIALS_MAX];
};

/* True if the packet is a message as above: its size, its counts, each string. */
bool kube_message_check(const void *data, size_t len);

#endif
