/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

enum { WRITES_WORD = 1, HAS_ADDRESS = 2, HAS_OPTIONS = 4 };

static const struct {
	uint32_t request;
	const char *name;
	unsigned int has;
} requests[] = {
	{0, "TRACEME", 0},
	{4, "POKETEXT", WRITES_WORD | HAS_ADDRESS},
	{5, "POKEDATA", WRITES_WORD | HAS_ADDRESS},
	{6, "POKEUSR", WRITES_WORD | HAS_ADDRESS},
	{8, "KILL", 0},
	{13, "SETREGS", 0},
	{15, "SETFPREGS", 0},
	{16, "ATTACH", 0},
	{19, "SETFPXREGS", 0},
	{26, "SET_THREAD_AREA", 0},
	{30, "ARCH_PRCTL", 0},
	{0x4203, "SETSIGINFO", 0},
	{0x4205, "SETREGSET", 0},
	{0x4206, "SEIZE", HAS_OPTIONS},
	{0x420b, "SETSIGMASK", 0},
	{0x4210, "SET_SYSCALL_USER_DISPATCH_CONFIG", 0},
	{0x4212, "SET_SYSCALL_INFO", 0},
};

static void fill_request(const struct ev_ptrace *in, Varve__V1__Ptrace *out)
{
	unsigned int has = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		if (requests[i].request != in->request)
			continue;
		out->request_name = (char *)requests[i].name;
		has = requests[i].has;
	}
	if (has & HAS_ADDRESS && in->address <= INT64_MAX)
		SET(out, address, in->address);
	if (has & HAS_OPTIONS && in->data <= UINT32_MAX)
		SET(out, options, in->data);
	if (has & WRITES_WORD) {
		out->has_written = 1;
		out->written.data = (uint8_t *)&in->data;
		out->written.len = in->flags & EV_PTRACE_32 ? 4 : 8;
	}
}

int event_fill_ptrace(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_ptrace *in = (const void *)rec->hdr;
	Varve__V1__Ptrace *out;
	int err = NEW_BODY(arena, ev, PTRACE, ptrace, out);

	if (err)
		return err;
	SET(out, request, in->request);
	if (in->request) /* TRACEME names nobody */
		SET(out, target_ns_pid, in->ns_pid);
	if (in->err)
		SET(out, call_errno, in->err);
	fill_request(in, out);
	return fill_peer(&in->target, arena, &out->target);
}
