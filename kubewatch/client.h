/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET requests to the API server, with libcurl. One at a time; each connection is with the
 * credentials that the caller has then.
 */
#ifndef VARVE_KUBEWATCH_CLIENT_H
#define VARVE_KUBEWATCH_CLIENT_H

#include "sensor/kube_message.h"

#include <stdbool.h>

struct client;

/* Takes a piece of the body. Negative: ends the request, and client_get() returns it. */
typedef int (*client_fn)(const char *data, size_t len, void *ctx);

/*
 * base: "https://HOST[:PORT]", or "http://" on the loopback. A name is resolved now, once and for
 * all: later there are no files to do it with. -EHOSTUNREACH: it has no address.
 */
int client_new(const char *base, struct client **ret_client);
void client_free(struct client *client);
bool client_is_by_name(const struct client *client);

/*
 * path: from "/" on. timeout_s: for all of it. Gives fn the body of an answer with status 200. 0,
 * or: -EACCES (401, 403), -ESTALE (410), -EAGAIN (429, 5xx), -EPROTO (another status), -ETIMEDOUT,
 * -ECONNREFUSED (no connection, or it broke), -EBADMSG (TLS: not the server that the CA vouches
 * for), what fn said. why: what it was, in words.
 */
int client_get(struct client *client, const struct kube_credentials *cred, const char *path,
	       long timeout_s, client_fn fn, void *ctx, const char **ret_why);

#endif
