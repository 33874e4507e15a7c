/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <linux/keyctl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/syscall.h>

#define PAYLOAD "varve-payload-not-to-be-recorded"

struct seen {
	int key, keyring, session;
};

static struct seen *seen_of(struct live *t)
{
	return (struct seen *)t->shared->text[0];
}

static long keyctl(int operation, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

static int add(const char *type, const char *description, size_t len, int keyring)
{
	return syscall(SYS_add_key, type, description, len ? PAYLOAD : NULL, len, keyring);
}

/* True if /proc/keys has the key, by its number and the end of its line. */
static bool is_in_proc(int key, const char *description)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/keys", "re");
	unsigned int number;
	char line[512];

	EXPECT(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%x", &number) == 1 && number == (unsigned int)key &&
		    strstr(line, description))
			return true;
	return false;
}

static void use(struct live *t, void *arg)
{
	struct seen *seen = seen_of(t);
	char text[64];

	(void)arg;
	seen->session = keyctl(KEYCTL_JOIN_SESSION_KEYRING, (long)"varve-session", 0, 0, 0);
	if (seen->session < 0) {
		t->shared->value[0] = errno;
		return;
	}
	seen->keyring = MUST(add("keyring", "varve-ring", 0, KEY_SPEC_SESSION_KEYRING));
	seen->key = MUST(add("user", "varve:secret", sizeof(PAYLOAD) - 1, seen->keyring));
	EXPECT(is_in_proc(seen->key, "varve:secret"));
	MUST(keyctl(KEYCTL_DESCRIBE, seen->key, (long)text, sizeof(text), 0)); /* no record */
	EXPECT_UINT(keyctl(KEYCTL_READ, seen->key, (long)text, sizeof(text), 0),
		    sizeof(PAYLOAD) - 1);
	MUST(keyctl(KEYCTL_LINK, seen->key, KEY_SPEC_SESSION_KEYRING, 0, 0));
	MUST(keyctl(KEYCTL_SETPERM, seen->key, 0x3f3f0000, 0, 0));
	EXPECT(keyctl(KEYCTL_SEARCH, seen->keyring, (long)"user", (long)"varve:secret", 0) ==
	       seen->key);
	EXPECT(syscall(SYS_request_key, "user", "varve:secret", NULL, 0) == seen->key);
	MUST(keyctl(KEYCTL_UNLINK, seen->key, seen->keyring, 0, 0));
	MUST(keyctl(KEYCTL_REVOKE, seen->key, 0, 0, 0));
}

static const Varve__V1__Keyring *nth(struct live *t, pid_t pid, size_t n, const char *operation)
{
	const Varve__V1__Keyring *ev = live_nth(t, "KEYRING", pid, n)->keyring;

	EXPECT_STR(ev->operation, operation);
	return ev;
}

static void expect_serials(const Varve__V1__Keyring *ev, int key, int keyring)
{
	EXPECT(!ev->has_call_errno);
	EXPECT(ev->has_key && ev->key == key);
	EXPECT(keyring ? ev->has_keyring && ev->keyring == keyring : !ev->has_keyring);
}

static void expect_named(const Varve__V1__Keyring *ev, const char *type, const char *description)
{
	EXPECT_STR(ev->type, type);
	EXPECT_STR(ev->description, description);
	EXPECT(!ev->has_description_truncated);
}

static void expect_no_payload(struct live *t)
{
	char command[600];

	snprintf(command, sizeof(command), "grep -rqa %s '%s'", PAYLOAD, t->sensor->log_dir);
	EXPECT(WEXITSTATUS(system(command)) == 1);
}

LIVE(keyring_use, LIVE_FIRST)
{
	const struct seen *seen = seen_of(t);
	pid_t pid = live_do(t, use, NULL);
	const Varve__V1__Keyring *ev;

	if (seen->session < 0)
		live_skip("keys: %s", strerror(t->shared->value[0]));
	live_end(t);
	EXPECT_UINT(live_count(t, "KEYRING", 0), 10);
	ev = nth(t, pid, 0, "join_session_keyring");
	expect_serials(ev, seen->session, 0);
	EXPECT_STR(ev->description, "varve-session");
	EXPECT_FIELD(ev, operation_number, KEYCTL_JOIN_SESSION_KEYRING);
	ev = nth(t, pid, 1, "add_key");
	expect_serials(ev, seen->keyring, KEY_SPEC_SESSION_KEYRING);
	expect_named(ev, "keyring", "varve-ring");
	EXPECT(!ev->has_operation_number);
	ev = nth(t, pid, 2, "add_key");
	expect_serials(ev, seen->key, seen->keyring);
	expect_named(ev, "user", "varve:secret");
	expect_serials(nth(t, pid, 3, "read"), seen->key, 0);
	expect_serials(nth(t, pid, 4, "link"), seen->key, KEY_SPEC_SESSION_KEYRING);
	ev = nth(t, pid, 5, "setperm");
	expect_serials(ev, seen->key, 0);
	EXPECT_FIELD(ev, value, 0x3f3f0000);
	ev = nth(t, pid, 6, "search");
	expect_serials(ev, seen->key, seen->keyring);
	expect_named(ev, "user", "varve:secret");
	ev = nth(t, pid, 7, "request_key");
	expect_serials(ev, seen->key, 0);
	expect_named(ev, "user", "varve:secret");
	expect_serials(nth(t, pid, 8, "unlink"), seen->key, seen->keyring);
	expect_serials(nth(t, pid, 9, "revoke"), seen->key, 0);
	EXPECT_STR(live_nth(t, "KEYRING", pid, 0)->kernel_number->event_class, "kernel");
	expect_no_payload(t);
}

static void fails(struct live *t, void *arg)
{
	char longest[257], longer[258];

	(void)arg;
	memset(longest, 'd', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'd', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	EXPECT(syscall(SYS_request_key, "user", longest, NULL, 0) < 0);
	t->shared->value[0] = errno;
	EXPECT(syscall(SYS_request_key, "user", longer, NULL, 0) < 0);
	EXPECT(keyctl(KEYCTL_READ, 0x7ffffff0, 0, 0, 0) < 0);
	t->shared->value[1] = errno;
	EXPECT(add("varve-no-type", "x", sizeof(PAYLOAD) - 1, KEY_SPEC_PROCESS_KEYRING) < 0);
	t->shared->value[2] = errno;
	EXPECT(keyctl(12345, 0, 0, 0, 0) < 0 && errno == EOPNOTSUPP); /* no record */
}

LIVE(keyring_failure, LIVE_FIRST)
{
	pid_t pid = live_do(t, fails, NULL);
	const Varve__V1__Keyring *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "KEYRING", 0), 4);
	ev = nth(t, pid, 0, "request_key");
	EXPECT_FIELD(ev, call_errno, t->shared->value[0]);
	EXPECT_UINT(strlen(ev->description), 256);
	EXPECT(!ev->has_description_truncated && !ev->has_key);
	ev = nth(t, pid, 1, "request_key");
	EXPECT_UINT(strlen(ev->description), 256);
	EXPECT_FIELD(ev, description_truncated, 1);
	ev = nth(t, pid, 2, "read");
	EXPECT_FIELD(ev, call_errno, t->shared->value[1]);
	EXPECT(ev->has_key && ev->key == 0x7ffffff0);
	ev = nth(t, pid, 3, "add_key");
	EXPECT_FIELD(ev, call_errno, t->shared->value[2]);
	EXPECT_STR(ev->type, "varve-no-type");
	EXPECT(!ev->has_key);
	expect_no_payload(t);
}
