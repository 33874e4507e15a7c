/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * keyring: a key was added, asked for, read, linked or changed, or this was tried. Never its
 * payload. Operations of keyctl(2) that only ask how something is are left out. Names are from user
 * memory: the kernel's copies are gone when the call ends; serial numbers are in registers.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

#define DESCRIPTION_MAX 256

/* <linux/keyctl.h>, as a set. */
#define JOIN_SESSION_KEYRING (1ull << 1)
#define UPDATE		     (1ull << 2)
#define REVOKE		     (1ull << 3)
#define CHOWN		     (1ull << 4)
#define SETPERM		     (1ull << 5)
#define CLEAR		     (1ull << 7)
#define LINK		     (1ull << 8)
#define UNLINK		     (1ull << 9)
#define SEARCH		     (1ull << 10)
#define READ		     (1ull << 11)
#define INSTANTIATE	     (1ull << 12)
#define NEGATE		     (1ull << 13)
#define SET_REQKEY_KEYRING   (1ull << 14)
#define SET_TIMEOUT	     (1ull << 15)
#define ASSUME_AUTHORITY     (1ull << 16)
#define SESSION_TO_PARENT    (1ull << 18)
#define REJECT		     (1ull << 19)
#define INSTANTIATE_IOV	     (1ull << 20)
#define INVALIDATE	     (1ull << 21)
#define GET_PERSISTENT	     (1ull << 22)
#define DH_COMPUTE	     (1ull << 23)
#define PKEY_ENCRYPT	     (1ull << 25)
#define PKEY_DECRYPT	     (1ull << 26)
#define PKEY_SIGN	     (1ull << 27)
#define PKEY_VERIFY	     (1ull << 28)
#define RESTRICT_KEYRING     (1ull << 29)
#define MOVE		     (1ull << 30)
#define WATCH_KEY	     (1ull << 32)

/* Which argument is what; the first is the operation. */
#define KEY_1                                                                                     \
	(UPDATE | REVOKE | CHOWN | SETPERM | LINK | UNLINK | READ | INSTANTIATE | NEGATE |        \
	 SET_TIMEOUT | ASSUME_AUTHORITY | REJECT | INSTANTIATE_IOV | INVALIDATE | MOVE | WATCH_KEY)
#define KEY_RETURNED   (JOIN_SESSION_KEYRING | SEARCH | GET_PERSISTENT)
#define KEYRING_1      (CLEAR | SEARCH | RESTRICT_KEYRING)
#define KEYRING_2      (LINK | UNLINK | GET_PERSISTENT)
#define KEYRING_3      (NEGATE | MOVE)
#define KEYRING_4      (INSTANTIATE | REJECT | INSTANTIATE_IOV)
#define VALUE_1	       (SET_REQKEY_KEYRING | GET_PERSISTENT)
#define VALUE_2	       (CHOWN | SETPERM | SET_TIMEOUT | NEGATE | REJECT | MOVE)
#define NAME_1	       JOIN_SESSION_KEYRING
#define TYPE_2_NAME_3  (SEARCH | RESTRICT_KEYRING)
#define OF_ARGUMENTS_ELSEWHERE \
	(SESSION_TO_PARENT | DH_COMPUTE | PKEY_ENCRYPT | PKEY_DECRYPT | PKEY_SIGN | PKEY_VERIFY)
#define WANTED \
	(KEY_1 | KEY_RETURNED | KEYRING_1 | SET_REQKEY_KEYRING | OF_ARGUMENTS_ELSEWHERE)

static __always_inline void key_set(struct ev_keyring *ev, __s32 key)
{
	ev->key = key;
	ev->flags |= EV_KEYRING_HAS_KEY;
}

static __always_inline void keyring_set(struct ev_keyring *ev, __s32 keyring)
{
	ev->keyring = keyring;
	ev->flags |= EV_KEYRING_HAS_KEYRING;
}

static __always_inline void value_set(struct ev_keyring *ev, __u32 value)
{
	ev->value = value;
	ev->flags |= EV_KEYRING_HAS_VALUE;
}

static __always_inline void description_set(struct build *b, struct ev_keyring *ev, __u64 text)
{
	if (text_append_user(b, &ev->description, (void *)text, DESCRIPTION_MAX))
		ev->flags |= EV_KEYRING_DESCRIPTION_CUT;
}

static __always_inline void type_set(struct ev_keyring *ev, __u64 text)
{
	bpf_probe_read_user_str(ev->type, sizeof(ev->type), (void *)text);
}

/* add_key(type, description, payload, length, keyring), request_key(type, description, info,
 * keyring). */
static __always_inline void keyring_fill_add(struct build *b, struct ev_keyring *ev,
					     const struct syscall *sc)
{
	__s32 keyring = sc->nr == NR_add_key ? sc->arg[4] : sc->arg[3];

	ev->operation = sc->nr == NR_add_key ? EV_KEYRING_ADD : EV_KEYRING_REQUEST;
	type_set(ev, sc->arg[0]);
	description_set(b, ev, sc->arg[1]);
	if (keyring)
		keyring_set(ev, keyring);
	if (sc->ret >= 0)
		key_set(ev, sc->ret);
}

static __always_inline void keyring_fill_serials(struct ev_keyring *ev, const struct syscall *sc,
						 __u64 op)
{
	if (op & KEY_1)
		key_set(ev, sc->arg[1]);
	else if (op & KEY_RETURNED && sc->ret >= 0)
		key_set(ev, sc->ret);
	if (op & KEYRING_1)
		keyring_set(ev, sc->arg[1]);
	else if (op & KEYRING_2)
		keyring_set(ev, sc->arg[2]);
	else if (op & KEYRING_3)
		keyring_set(ev, sc->arg[3]);
	else if (op & KEYRING_4)
		keyring_set(ev, sc->arg[4]);
}

static __always_inline void keyring_fill_ctl(struct build *b, struct ev_keyring *ev,
					     const struct syscall *sc, __u64 op)
{
	ev->operation = sc->arg[0];
	keyring_fill_serials(ev, sc, op);
	if (op & VALUE_1)
		value_set(ev, (__u32)sc->arg[1]);
	else if (op & VALUE_2)
		value_set(ev, (__u32)sc->arg[2]);
	if (op & TYPE_2_NAME_3) {
		type_set(ev, sc->arg[2]);
		description_set(b, ev, sc->arg[3]);
	} else if (op & NAME_1) {
		description_set(b, ev, sc->arg[1]);
	}
}

SYSCALL_PROBE(keyring_exit)
{
	__u32 number = sc->arg[0];
	bool ctl = sc->nr == NR_keyctl;
	struct ev_keyring *ev;
	struct build b;

	if (ctl && (number > 63 || !(WANTED >> (number & 63) & 1)))
		return 0;
	ev = (void *)record_begin(&b, EV_KEYRING, EV_CLASS_kernel, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->err = syscall_errno(sc->ret);
	if (ctl)
		keyring_fill_ctl(&b, ev, sc, 1ull << (number & 63));
	else
		keyring_fill_add(&b, ev, sc);
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(keyring_exit, add_key);
SERVES_SYSCALL(keyring_exit, request_key);
SERVES_SYSCALL(keyring_exit, keyctl);
