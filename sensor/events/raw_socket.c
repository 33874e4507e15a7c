/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <arpa/inet.h>
#include <sys/socket.h>

int event_fill_raw_socket(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_raw_socket *in = (const void *)rec->hdr;
	Varve__V1__RawSocket *out;
	int err = NEW_BODY(arena, ev, RAW_SOCKET, raw_socket, out);
	bool ethernet = in->family == AF_PACKET || in->type == SOCK_PACKET;

	if (err)
		return err;
	SET(out, family, in->family);
	SET(out, type, in->type);
	SET(out, protocol, ethernet ? ntohs(in->protocol) : (uint32_t)in->protocol);
	if (in->err)
		SET(out, call_errno, in->err);
	if (in->flags & EV_RAW_SOCKET_HAS_FD)
		SET(out, fd, in->fd);
	return 0;
}
