/* SPDX-License-Identifier: Apache-2.0 */
/* The option `listen`: from text to an address, and from that to a socket. */
#ifndef VARVE_LISTEN_H
#define VARVE_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct listen_address {
	bool off;
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un path;
	};
};

/*
 * "off", "127.0.0.1:9108", "[::1]:9108" or "/run/varve/http". Addresses only: a name would be asked
 * of a server, and could change. -EINVAL: it is none of these.
 */
int listen_parse(const char *text, struct listen_address *ret_address);
/*
 * A socket that listens there. The file of a unix socket that nobody listens on any more is taken
 * away first; it is made for its owner and group. Negative errno, not logged.
 */
int listen_open(const struct listen_address *address, int *ret_fd);
/* Takes the file of a unix socket away. */
void listen_remove(const struct listen_address *address);

#endif
