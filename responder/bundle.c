/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/bundle.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#define SUMS_MAX    (1u << 16)
#define ENTRIES_MAX 64

int bundle_is(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

int bundle_is_zip(const char *path)
{
	zip_t *zip = zip_open(path, ZIP_RDONLY, NULL);

	if (zip)
		zip_discard(zip);
	return zip != NULL;
}

int bundle_read(const char *path, const char *name, size_t most, char **ret_data, size_t *ret_len)
{
	zip_t *zip = zip_open(path, ZIP_RDONLY, NULL);
	zip_file_t *f = zip ? zip_fopen(zip, name, 0) : NULL;
	char *data = f ? memory_zalloc(most + 1) : NULL;
	zip_int64_t n = 0;
	size_t len = 0;

	while (f && len <= most && (n = zip_fread(f, data + len, most + 1 - len)) > 0)
		len += n;
	if (f)
		zip_fclose(f);
	if (zip)
		zip_discard(zip);
	if (!f)
		return -ENOENT;
	if (n < 0 || len > most) {
		free(data);
		return complain(-EIO, "%s: %s cannot be read, or is too long", path, name);
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

/* --- sums */

static void to_hex(const uint8_t digest[32], char ret_hex[65])
{
	for (int i = 0; i < 32; i++)
		sprintf(ret_hex + 2 * i, "%02x", digest[i]);
}

int bundle_hash_file(const char *path, char ret_hex[65], uint64_t *ret_size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t buf[65536], digest[EVP_MAX_MD_SIZE];
	size_t n;
	int err = f ? 0 : -errno;

	*ret_size = 0;
	if (!err && (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1))
		err = -ENOMEM;
	while (!err && (n = fread(buf, 1, sizeof(buf), f))) {
		EVP_DigestUpdate(md, buf, n);
		*ret_size += n;
	}
	if (!err && ferror(f))
		err = -EIO;
	if (!err) {
		EVP_DigestFinal_ex(md, digest, NULL);
		to_hex(digest, ret_hex);
	}
	EVP_MD_CTX_free(md);
	return err ? log_err(err, "cannot read %s", path) : 0;
}

static int hash_entry(zip_t *zip, zip_uint64_t at, char ret_hex[65])
{
	zip_file_t *f = zip_fopen_index(zip, at, 0);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t buf[65536], digest[EVP_MAX_MD_SIZE];
	zip_int64_t n = -1;

	if (f && md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1)
		while ((n = zip_fread(f, buf, sizeof(buf))) > 0)
			EVP_DigestUpdate(md, buf, n);
	if (!n && EVP_DigestFinal_ex(md, digest, NULL) == 1)
		to_hex(digest, ret_hex);
	else
		n = -1;
	EVP_MD_CTX_free(md);
	if (f)
		zip_fclose(f);
	return n ? -EIO : 0;
}

/* The list's sum of a file, "<64 hex digits>  <name>\n"; NULL: it has none. */
static const char *sum_of(const char *sums, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = sums; line && *line;
	     line = strchr(line, '\n'), line += line != NULL) {
		size_t line_len = strcspn(line, "\n");

		if (line_len == 66 + len && !memcmp(line + 66, name, len) &&
		    !memcmp(line + 64, "  ", 2))
			return line;
	}
	return NULL;
}

static int check_entries(const char *path, zip_t *zip, const char *sums)
{
	zip_int64_t cnt = zip_get_num_entries(zip, 0), listed = 0;
	char hex[65];
	int err = 0;

	for (const char *c = sums; *c; c++)
		listed += *c == '\n';
	if (cnt > ENTRIES_MAX)
		return complain(-EBADMSG, "%s: more files than a bundle has", path);
	for (zip_int64_t i = 0; i < cnt; i++) {
		const char *name = zip_get_name(zip, i, 0), *sum;

		if (name && !strcmp(name, BUNDLE_SUMS))
			continue;
		sum = name ? sum_of(sums, name) : NULL;
		if (!sum)
			err = complain(-EBADMSG, "%s: file %lld is not in " BUNDLE_SUMS, path,
				       (long long)i);
		else if (hash_entry(zip, i, hex) || memcmp(sum, hex, 64))
			err = complain(-EBADMSG,
				       "%s: %s does not have the sum that " BUNDLE_SUMS " says",
				       path, name);
		listed--;
	}
	return listed ? complain(-EBADMSG, "%s: files of " BUNDLE_SUMS " are not there", path)
		      : err;
}

int bundle_check_sums(const char *path)
{
	_cleanup_free_ char *sums = NULL;
	size_t len;
	zip_t *zip;
	int err = bundle_read(path, BUNDLE_SUMS, SUMS_MAX, &sums, &len);

	if (err)
		return err;
	zip = zip_open(path, ZIP_RDONLY, NULL);
	if (!zip)
		return complain(-EBADMSG, "%s: no zip", path);
	err = check_entries(path, zip, sums);
	zip_discard(zip);
	return err;
}

/* --- writing */

int bundle_write(const char *path, const char *dir, const char *const *names, size_t cnt)
{
	int code = 0;
	zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code);

	if (!zip)
		return code == ZIP_ER_EXISTS ? complain(-EEXIST, "%s is there already", path)
					     : complain(-EIO, "cannot make %s", path);
	for (size_t i = 0; i < cnt; i++) {
		_cleanup_free_ char *from = memory_printf("%s/%s", dir, names[i]);
		zip_source_t *source = zip_source_file(zip, from, 0, -1);

		if (!source || zip_file_add(zip, names[i], source, ZIP_FL_ENC_UTF_8) < 0) {
			zip_source_free(source);
			zip_discard(zip);
			return complain(-EIO, "cannot put %s into %s", names[i], path);
		}
	}
	if (zip_close(zip)) {
		complain(-EIO, "cannot write %s: %s", path, zip_strerror(zip));
		zip_discard(zip);
		return -EIO;
	}
	return 0;
}
