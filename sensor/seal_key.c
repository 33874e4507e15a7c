/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys are in libcrypto's secure heap only: locked, left out of dumps, wiped when freed.
 * Text forms of them are made and read there, too.
 */
#include "sensor/seal_key.h"
#include "evidence/base.h"
#include "evidence/base64.h"
#include "evidence/diag.h"
#include "evidence/seal.h"
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_FILE  "sensor.key"
#define NEXT_FILE "sensor.next"
#define PUB_FILE  "sensor.pub"
#define KEYS_FILE "sensor.keys"
#define OLD_FILE  "sensor.keys.old"
#define KEYS_MAX                                                                                \
	(128 << 20) /* bytes; then what is there becomes OLD_FILE: a change each 15 minutes for \
		       three years */
#define SEED_LEN    32
#define PREFIX	    "PRIVATE+KEY+" /* of Go's note package */
#define PRIVATE_MAX (NOTE_VKEY_SIZE + 64)
#define HEAP_BYTES  65536

struct pair {
	struct note_key pub;
	EVP_PKEY *private_key; /* NULL: there is none */
};

struct seal_key {
	char *dir; /* for messages */
	int dirfd;
	char name[NOTE_NAME_MAX + 1];
	struct pair current, next;
	bool unfinished; /* the key of now is in NEXT_FILE still */
	char change[NOTE_MAX];
	size_t change_len;
};

/* --- private keys */

static void pair_clear(struct pair *p)
{
	EVP_PKEY_free(p->private_key);
	*p = (struct pair){};
}

/* Takes the private key, also if it fails; NULL: libcrypto has made none. -EINVAL. */
static int pair_init(const char *name, EVP_PKEY *private_key, struct pair *ret)
{
	size_t len = NOTE_PUB_LEN;
	uint8_t pub[NOTE_PUB_LEN];

	if (!private_key || EVP_PKEY_get_raw_public_key(private_key, pub, &len) != 1 ||
	    note_key_init(&ret->pub, name, pub)) {
		EVP_PKEY_free(private_key);
		return -EINVAL;
	}
	ret->private_key = private_key;
	return 0;
}

static int pair_from_seed(const char *name, const uint8_t seed[SEED_LEN], struct pair *ret)
{
	return pair_init(name, EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED_LEN),
			 ret);
}

static int pair_make(const char *name, struct pair *ret)
{
	if (pair_init(name, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), ret))
		return log_err(-EIO, "cannot make a signing key");
	return 0;
}

/* "PRIVATE+KEY+<name>+<id>+<base64 of 0x01 and the seed>"; text is in the secure heap. */
static int parse_go(const char *text, size_t len, struct pair *ret)
{
	size_t seed_b64 = BASE64_LEN(1 + SEED_LEN), prefix = strlen(PREFIX);
	char name[NOTE_NAME_MAX + 1];
	const char *id;
	uint8_t *bytes;
	int err = -EINVAL;

	if (len < prefix + seed_b64 + 2 || memcmp(text, PREFIX, prefix))
		return -EINVAL;
	text += prefix;
	len -= prefix;
	id = memchr(text, '+', len);
	if (!id || id - text > NOTE_NAME_MAX || len - (id - text) != 1 + 8 + 1 + seed_b64)
		return -EINVAL;
	memcpy(name, text, id - text);
	name[id - text] = '\0';
	bytes = OPENSSL_secure_malloc(1 + SEED_LEN);
	if (bytes && base64_decode_exactly(text + len - seed_b64, seed_b64, bytes, 1 + SEED_LEN) &&
	    bytes[0] == 1)
		err = pair_from_seed(name, bytes + 1, ret);
	OPENSSL_secure_clear_free(bytes, 1 + SEED_LEN);
	return err;
}

/* PKCS #8 in PEM: RFC 8410, section 7, without attributes. */
static int parse_pem(const char *text, size_t len, const char *name, struct pair *ret)
{
	static const uint8_t head[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
					 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
	BIO *bio = BIO_new_mem_buf(text, len);
	unsigned char *der = NULL;
	long der_len = 0;
	int err = -EINVAL;

	if (bio &&
	    PEM_bytes_read_bio_secmem(&der, &der_len, NULL, PEM_STRING_PKCS8INF, bio, NULL, NULL) ==
		    1 &&
	    der_len == sizeof(head) + SEED_LEN && !memcmp(der, head, sizeof(head)))
		err = pair_from_seed(name, der + sizeof(head), ret);
	OPENSSL_secure_clear_free(der, der_len);
	BIO_free(bio);
	return err;
}

/* name: of a key whose file does not say it. -ENOENT untold. */
static int read_private(int dirfd, const char *path, const char *name, struct pair *ret)
{
	_cleanup_close_ int fd =
		openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW * (dirfd >= 0));
	char *text = OPENSSL_secure_zalloc(PRIVATE_MAX);
	ssize_t n;
	int err;

	if (fd < 0 || !text) {
		err = fd < 0 ? -errno : -ENOMEM;
		OPENSSL_secure_free(text);
		return err == -ENOENT ? err : log_err(err, "cannot read the private key %s", path);
	}
	n = read(fd, text, PRIVATE_MAX);
	err = n < 0 ? -errno : n == PRIVATE_MAX ? -EMSGSIZE : -EINVAL;
	if (n > 0 && n < PRIVATE_MAX)
		err = strncmp(text, PREFIX, strlen(PREFIX))
			      ? parse_pem(text, n, name, ret)
			      : parse_go(text, strcspn(text, "\n"), ret);
	OPENSSL_secure_clear_free(text, PRIVATE_MAX);
	if (err)
		log_err(err, "%s is no Ed25519 private key (PKCS #8 in PEM, or PRIVATE+KEY+...)",
			path);
	return err;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return 0;
}

/* Writes the whole private key to a new NEXT_FILE, for good. */
static int write_next(const struct seal_key *k, const struct pair *p)
{
	size_t len = SEED_LEN;
	uint8_t *seed = OPENSSL_secure_malloc(1 + SEED_LEN);
	char *text = OPENSSL_secure_zalloc(PRIVATE_MAX), *b64;
	_cleanup_close_ int fd = -1;
	int err = -ENOMEM;

	if (seed && text && EVP_PKEY_get_raw_private_key(p->private_key, seed + 1, &len) == 1) {
		seed[0] = 1;
		b64 = text + sprintf(text, PREFIX "%s+%02x%02x%02x%02x+", p->pub.name, p->pub.id[0],
				     p->pub.id[1], p->pub.id[2], p->pub.id[3]);
		base64_encode(seed, 1 + SEED_LEN, b64);
		strcat(text, "\n");
		unlinkat(k->dirfd, NEXT_FILE, 0);
		fd = openat(k->dirfd, NEXT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		err = fd < 0 ? -errno : write_all(fd, text, strlen(text));
		if (!err && (fsync(fd) || fsync(k->dirfd)))
			err = -errno;
	}
	OPENSSL_secure_clear_free(seed, 1 + SEED_LEN);
	OPENSSL_secure_clear_free(text, PRIVATE_MAX);
	return err ? log_err(err, "cannot keep the next signing key in %s/" NEXT_FILE, k->dir) : 0;
}

/* What was in the file is overwritten, as far as the file system writes in place. */
static void erase(int dirfd, const char *name)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	static const char zeros[PRIVATE_MAX];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (write_all(fd, zeros, MIN((size_t)st.st_size, sizeof(zeros))) || fdatasync(fd))
		log_warn("cannot overwrite %s, a key that was replaced: %s", name, strerror(errno));
}

/* NEXT_FILE becomes KEY_FILE, whose key is erased: if there is one to take its place. */
static int finish_change(struct seal_key *k)
{
	if (!faccessat(k->dirfd, NEXT_FILE, F_OK, AT_SYMLINK_NOFOLLOW))
		erase(k->dirfd, KEY_FILE);
	k->unfinished = renameat(k->dirfd, NEXT_FILE, k->dirfd, KEY_FILE);
	if (k->unfinished)
		return log_err(-errno, "cannot make %s/" NEXT_FILE " the signing key", k->dir);
	if (fsync(k->dirfd))
		log_warn("cannot sync %s: after a power cut its key could be lost: %s", k->dir,
			 strerror(errno));
	return 0;
}

/* --- files that all may read */

static int append(const struct seal_key *k, const char *name, const char *data, size_t len)
{
	_cleanup_close_ int fd =
		openat(k->dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	int err = end < 0 ? -errno : write_all(fd, data, len);

	if (!err && (fsync(fd) || fsync(k->dirfd)))
		err = -errno;
	/* Half of it would stand in the way of the next. */
	if (err && end >= 0 && ftruncate(fd, end))
		log_warn("%s/%s ends in half a line: %s", k->dir, name, strerror(errno));
	return err ? log_err(err, "cannot write %s/%s", k->dir, name) : 0;
}

static int tell_first(const struct seal_key *k)
{
	char vkey[NOTE_VKEY_SIZE + 1];
	int err;

	note_key_format(&k->current.pub, vkey);
	strcat(vkey, "\n");
	err = append(k, PUB_FILE, vkey, strlen(vkey));
	if (!err)
		log_info("the seals begin with a new key, which verification starts from "
			 "(%s/" PUB_FILE "): %.*s",
			 k->dir, (int)strlen(vkey) - 1, vkey);
	return err;
}

/* Where the note begins that ends at `end`, with an empty line behind it and one in it. */
static size_t note_begin(const char *text, size_t end)
{
	int empty = 0;

	for (; end; end--)
		if (end >= 2 && text[end - 1] == '\n' && text[end - 2] == '\n' && ++empty == 3)
			break;
	return end;
}

/* The last whole note in the text; *ret_end: behind it and its empty line. False: there is none. */
static bool find_last_note(const char *text, size_t len, size_t *ret_begin, size_t *ret_end)
{
	struct note note;

	for (size_t end = len; end >= 2; end--) {
		if (text[end - 1] != '\n' || text[end - 2] != '\n')
			continue;
		*ret_begin = note_begin(text, end);
		*ret_end = end;
		if (!note_parse(text + *ret_begin, end - 1 - *ret_begin, &note))
			return true;
	}
	return false;
}

/*
 * Reads the last change of keys into k->change. What a power cut has left behind it of another is
 * cut off: the next change would be appended to it, and be lost with it.
 */
static int read_last_change(struct seal_key *k)
{
	_cleanup_close_ int fd = openat(k->dirfd, KEYS_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	char text[2 * NOTE_MAX];
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	size_t len = MIN((size_t)MAX(size, 0), sizeof(text)), begin, end = 0;
	ssize_t n = 0;

	k->change_len = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : log_err(-errno, "cannot read %s/" KEYS_FILE, k->dir);
	if (len)
		n = pread(fd, text, len, size - len);
	if (n < 0)
		return log_err(-errno, "cannot read %s/" KEYS_FILE, k->dir);
	if (find_last_note(text, n, &begin, &end)) {
		k->change_len = end - 1 - begin;
		memcpy(k->change, text + begin, k->change_len);
	} else if (size > n) {
		return log_err(-EINVAL, "%s/" KEYS_FILE " does not end in a change of keys",
			       k->dir);
	}
	if (end == (size_t)n)
		return 0;
	log_warn("%s/" KEYS_FILE " ends in half a change: it is cut off", k->dir);
	return ftruncate(fd, size - (n - end)) || fsync(fd)
		       ? log_err(-errno, "cannot cut %s/" KEYS_FILE, k->dir)
		       : 0;
}

/* --- opening */

/* The last change made this key the one that signs. */
static bool is_changed_to(const struct seal_key *k, const struct note_key *key)
{
	struct note note;
	struct seal seal;

	return k->change_len &&
	       !seal_read((struct note_span){k->change, k->change_len}, &note, &seal) &&
	       seal.has_next && note_key_equal(&seal.next, key);
}

/* A change that was under way is finished, or never was. */
static int recover(struct seal_key *k)
{
	struct pair next = {};
	int err = read_private(k->dirfd, NEXT_FILE, k->name, &next);

	if (!err && is_changed_to(k, &next.pub))
		err = finish_change(k);
	else if (err == -ENOENT)
		err = 0;
	else if (!err || err == -EINVAL || err == -EMSGSIZE) {
		/* Never signed with. */
		erase(k->dirfd, NEXT_FILE);
		err = unlinkat(k->dirfd, NEXT_FILE, 0) ? -errno : 0;
	}
	pair_clear(&next);
	return err;
}

static int take_first(struct seal_key *k, const char *first)
{
	int err;

	if (first && *first)
		err = read_private(AT_FDCWD, first, k->name, &k->current);
	else
		err = pair_make(k->name, &k->current);
	if (err == -ENOENT)
		log_err(err, "cannot read the private key %s", first);
	if (!err)
		err = write_next(k, &k->current);
	return err ? err : finish_change(k);
}

/* The key of now begins a chain, and PUB_FILE does not have it: a start was cut off. */
static bool is_untold(const struct seal_key *k)
{
	char vkey[NOTE_VKEY_SIZE], line[NOTE_VKEY_SIZE + 1];
	_cleanup_close_ int fd = openat(k->dirfd, PUB_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (is_changed_to(k, &k->current.pub))
		return false;
	note_key_format(&k->current.pub, vkey);
	if (f)
		TAKE_FD(fd);
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, vkey))
			return false;
	}
	return true;
}

static int open_key(struct seal_key *k, const char *first)
{
	int err = read_last_change(k);

	if (!err)
		err = recover(k);
	if (!err)
		err = read_private(k->dirfd, KEY_FILE, k->name, &k->current);
	if (err == -ENOENT || err == -EINVAL)
		err = take_first(k, first);
	return err || !is_untold(k) ? err : tell_first(k);
}

int seal_key_open(const char *dir, const char *first, const char *name, struct seal_key **ret_key)
{
	struct seal_key *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	if (!CRYPTO_secure_malloc_initialized() && CRYPTO_secure_malloc_init(HEAP_BYTES, 32) != 1)
		log_warn("no locked memory for the signing key: it could be swapped out");
	k->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	k->dir = strdup(dir);
	snprintf(k->name, sizeof(k->name), "%s", name);
	if (!k->dir || k->dirfd < 0)
		err = log_err(k->dir ? -errno : -ENOMEM, "cannot open %s", dir);
	else
		err = open_key(k, first);
	if (err)
		seal_key_close(k);
	else
		*ret_key = k;
	return err;
}

void seal_key_close(struct seal_key *k)
{
	if (!k)
		return;
	seal_key_abandon(k);
	pair_clear(&k->current);
	cleanup_close(&k->dirfd);
	free(k->dir);
	free(k);
}

/* --- use */

const struct note_key *seal_key_current(const struct seal_key *k)
{
	return &k->current.pub;
}

int seal_key_sign(struct seal_key *k, char *buf, size_t size, size_t text_len, size_t *len)
{
	return note_sign(buf, size, text_len, len, &k->current.pub, k->current.private_key);
}

int seal_key_prepare(struct seal_key *k)
{
	int err = k->unfinished ? finish_change(k) : 0;

	seal_key_abandon(k);
	if (!err)
		err = pair_make(k->name, &k->next);
	if (!err)
		err = write_next(k, &k->next);
	if (err)
		pair_clear(&k->next);
	return err;
}

const struct note_key *seal_key_next(const struct seal_key *k)
{
	return k->next.private_key ? &k->next.pub : NULL;
}

int seal_key_sign_next(struct seal_key *k, char *buf, size_t size, size_t text_len, size_t *len)
{
	return note_sign(buf, size, text_len, len, &k->next.pub, k->next.private_key);
}

static int keep_change(struct seal_key *k, const char *note, size_t len)
{
	char text[NOTE_MAX + 1];
	struct stat st;

	if (len > NOTE_MAX)
		return -EMSGSIZE;
	if (!fstatat(k->dirfd, KEYS_FILE, &st, AT_SYMLINK_NOFOLLOW) && st.st_size > KEYS_MAX &&
	    renameat(k->dirfd, KEYS_FILE, k->dirfd, OLD_FILE))
		return log_err(-errno, "cannot rename %s/" KEYS_FILE, k->dir);
	memcpy(text, note, len);
	text[len] = '\n';
	return append(k, KEYS_FILE, text, len + 1);
}

int seal_key_commit(struct seal_key *k, const char *note, size_t len)
{
	int err = keep_change(k, note, len);

	if (err) {
		seal_key_abandon(k);
		return err;
	}
	memcpy(k->change, note, len);
	k->change_len = len;
	pair_clear(&k->current);
	k->current = k->next;
	k->next = (struct pair){};
	/* Whatever comes of it, the change is made: what is left to do is done before the next. */
	finish_change(k);
	return 0;
}

void seal_key_abandon(struct seal_key *k)
{
	if (!k->next.private_key)
		return;
	pair_clear(&k->next);
	erase(k->dirfd, NEXT_FILE);
	unlinkat(k->dirfd, NEXT_FILE, 0);
}

size_t seal_key_last_change(const struct seal_key *k, const char **ret_note)
{
	*ret_note = k->change;
	return k->change_len;
}
