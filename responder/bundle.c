/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/bundle.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/complain.h"
#include "responder/memory.h"
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

/* -ENOENT: there is no such file in it. Else -EIO: it cannot be read, or is too long. */
static int read_entry(zip_t *zip, const char *name, size_t most, char **ret_data, size_t *ret_len)
{
	zip_file_t *f = zip_fopen(zip, name, 0);
	char *data = f ? memory_zalloc(most + 1) : NULL;
	zip_int64_t n = 0;
	size_t len = 0;

	if (!f)
		return -ENOENT;
	while (len <= most && (n = zip_fread(f, data + len, most + 1 - len)) > 0)
		len += n;
	zip_fclose(f);
	if (n < 0 || len > most) {
		free(data);
		return -EIO;
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

int bundle_read(const char *path, const char *name, size_t most, char **ret_data, size_t *ret_len)
{
	zip_t *zip = zip_open(path, ZIP_RDONLY, NULL);
	int err = zip ? read_entry(zip, name, most, ret_data, ret_len) : -ENOENT;

	if (zip)
		zip_discard(zip);
	return err == -EIO ? complain(err, "%s: %s cannot be read, or is too long", path, name)
			   : err;
}

/* --- sums */

int bundle_hash_file(const char *path, char ret_hex[DIGEST_HEX_SIZE], uint64_t *ret_size)
{
	int err = digest_file(path, ret_hex, ret_size);

	return err ? log_err(err, "cannot read %s", path) : 0;
}

static ssize_t read_zip(void *ctx, void *buf, size_t size)
{
	zip_int64_t n = zip_fread(ctx, buf, size);

	return n < 0 ? -EIO : n;
}

static int hash_entry(zip_t *zip, zip_uint64_t at, char ret_hex[DIGEST_HEX_SIZE])
{
	zip_file_t *f = zip_fopen_index(zip, at, 0);
	int err = f ? digest_stream(read_zip, f, ret_hex, NULL) : -EIO;

	if (f)
		zip_fclose(f);
	return err;
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
	char hex[DIGEST_HEX_SIZE];
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
	zip_t *zip = zip_open(path, ZIP_RDONLY, NULL);
	_cleanup_free_ char *sums = NULL;
	size_t len;
	int err;

	if (!zip)
		return 0;
	err = read_entry(zip, BUNDLE_SUMS, SUMS_MAX, &sums, &len) ? -EBADMSG
								  : check_entries(path, zip, sums);
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
