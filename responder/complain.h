/* SPDX-License-Identifier: Apache-2.0 */
/* One error line in words that need no strerror() behind them; gives the code on. */
#ifndef VARVE_RESPONDER_COMPLAIN_H
#define VARVE_RESPONDER_COMPLAIN_H

#include "evidence/diag.h"

#define complain(err, ...)                     \
	({                                     \
		diag(DIAG_ERROR, __VA_ARGS__); \
		(err);                         \
	})

#endif
