/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <linux/keyctl.h>
#include <string.h>

/* Those that bpf/keyring.bpf.c records. */
static const char *const operations[] = {
	[KEYCTL_JOIN_SESSION_KEYRING] = "join_session_keyring",
	[KEYCTL_UPDATE] = "update",
	[KEYCTL_REVOKE] = "revoke",
	[KEYCTL_CHOWN] = "chown",
	[KEYCTL_SETPERM] = "setperm",
	[KEYCTL_CLEAR] = "clear",
	[KEYCTL_LINK] = "link",
	[KEYCTL_UNLINK] = "unlink",
	[KEYCTL_SEARCH] = "search",
	[KEYCTL_READ] = "read",
	[KEYCTL_INSTANTIATE] = "instantiate",
	[KEYCTL_NEGATE] = "negate",
	[KEYCTL_SET_REQKEY_KEYRING] = "set_reqkey_keyring",
	[KEYCTL_SET_TIMEOUT] = "set_timeout",
	[KEYCTL_ASSUME_AUTHORITY] = "assume_authority",
	[KEYCTL_SESSION_TO_PARENT] = "session_to_parent",
	[KEYCTL_REJECT] = "reject",
	[KEYCTL_INSTANTIATE_IOV] = "instantiate_iov",
	[KEYCTL_INVALIDATE] = "invalidate",
	[KEYCTL_GET_PERSISTENT] = "get_persistent",
	[KEYCTL_DH_COMPUTE] = "dh_compute",
	[KEYCTL_PKEY_ENCRYPT] = "pkey_encrypt",
	[KEYCTL_PKEY_DECRYPT] = "pkey_decrypt",
	[KEYCTL_PKEY_SIGN] = "pkey_sign",
	[KEYCTL_PKEY_VERIFY] = "pkey_verify",
	[KEYCTL_RESTRICT_KEYRING] = "restrict_keyring",
	[KEYCTL_MOVE] = "move",
	[KEYCTL_WATCH_KEY] = "watch_key",
};

static int fill_operation(const struct ev_keyring *in, Varve__V1__Keyring *out)
{
	if (in->operation == EV_KEYRING_ADD) {
		out->operation = (char *)"add_key";
		return 0;
	}
	if (in->operation == EV_KEYRING_REQUEST) {
		out->operation = (char *)"request_key";
		return 0;
	}
	if (in->operation >= ARRAY_SIZE(operations) || !operations[in->operation])
		return -EBADMSG;
	out->operation = (char *)operations[in->operation];
	SET(out, operation_number, in->operation);
	return 0;
}

static void fill_numbers(const struct ev_keyring *in, Varve__V1__Keyring *out)
{
	if (in->flags & EV_KEYRING_HAS_KEY)
		SET(out, key, in->key);
	if (in->flags & EV_KEYRING_HAS_KEYRING)
		SET(out, keyring, in->keyring);
	if (in->flags & EV_KEYRING_HAS_VALUE)
		SET(out, value, in->value);
	if (in->flags & EV_KEYRING_DESCRIPTION_CUT)
		SET(out, description_truncated, 1);
	if (in->err)
		SET(out, call_errno, in->err);
}

int event_fill_keyring(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_keyring *in = (const void *)rec->hdr;
	size_t len = strnlen(in->type, sizeof(in->type));
	Varve__V1__Keyring *out;
	int err = NEW_BODY(arena, ev, KEYRING, keyring, out);

	if (!err)
		err = fill_operation(in, out);
	if (err)
		return err;
	fill_numbers(in, out);
	err = fill_ref(rec, &in->description, arena, &out->description, &out->has_description_raw,
		       &out->description_raw);
	if (err || !len)
		return err;
	return fill_text(arena, in->type, len, &out->type, &out->has_type_raw, &out->type_raw);
}
