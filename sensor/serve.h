/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics, /healthz and /readyz by HTTP, through libmicrohttpd, in a thread of its own that
 * reads the board and nothing else: whoever asks, however slowly and often, the loop does not
 * notice. Bounded: connections, of one address, the bytes and the time of each.
 */
#ifndef VARVE_SERVE_H
#define VARVE_SERVE_H

struct board;
struct serve;

/* address: the option `listen`, which is not "off". board stays the caller's. Errors are logged. */
int serve_open(const char *address, struct board *board, struct serve **ret_serve);
/* Takes half a second; NULL is fine. */
void serve_close(struct serve *serve);

#endif
