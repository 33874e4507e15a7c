/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list and the watch of this node's pods. What comes is told through callbacks, so that it can
 * be tested without a socket.
 */
#ifndef VARVE_KUBEWATCH_WATCH_H
#define VARVE_KUBEWATCH_WATCH_H

#include "sensor/kube_message.h"

#include <stddef.h>

#define WATCH_BODY_MAX (16u << 20) /* a page of a list; etcd takes 1.5 MiB an object */

struct client;
struct watch;

struct watch_opts {
	const char *node;	    /* spec.nodeName */
	const char *allowed_labels; /* pod_label_allowed() */
	/* Each negative return ends the round, and is returned. */
	int (*tell)(enum kube_message_type type, const struct kube_pod *pod, void *ctx);
	int (*get_credentials)(struct kube_credentials *ret_cred, void *ctx);
	void (*answered)(void *ctx); /* the server sends something; NULL: of no interest */
	void *ctx;
};

int watch_new(const struct watch_opts *opts, struct watch **ret_watch);
void watch_free(struct watch *watch);

/*
 * One round: a list if none is there to go on from, then a watch until it ends. 0: the server ended
 * it, as it does every few minutes. Else as client_get(), or -EPROTO: what came is not what an API
 * server sends. The next round goes on where this one was, or (-ESTALE, -EPROTO) lists again. why:
 * in words.
 */
int watch_round(struct watch *watch, struct client *client, const char **ret_why);

/* The parsers alone, for fuzzing: a page of a list, and a piece of a watch's body. */
int watch_take_page(struct watch *watch, const char *text, size_t len);
int watch_take_piece(struct watch *watch, const char *text, size_t len);

#endif
