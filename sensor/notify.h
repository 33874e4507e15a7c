/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells systemd how the sensor stands: sd_notify(3)'s protocol, a datagram of NAME=VALUE lines to
 * the socket that NOTIFY_SOCKET names. Own code and not libsystemd: that is 830 KiB and brings
 * liblzma, libzstd, liblz4, libgcrypt and libcap into a privileged process for one sendmsg(2), and
 * the manual says that the protocol is stable and meant to be spoken so.
 */
#ifndef VARVE_NOTIFY_H
#define VARVE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody wants to hear */
	struct sockaddr_un addr;
	socklen_t addr_len;
	uint64_t watchdog_ns; /* wants to hear of the loop that often; 0: does not */
	uint64_t next_watchdog_ns;
};

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which are taken out of the environment. */
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);
/* Never blocks; what cannot be sent is left. Nothing in text may be anybody else's. */
void notify_send(const struct notify *notify, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The configuration is read again; followed by READY=1. */
void notify_reloading(const struct notify *notify);
/* Call each turn of the loop, and nowhere else: WATCHDOG=1, three times in the interval. */
void notify_turned(struct notify *notify, uint64_t now_ns);

#endif
