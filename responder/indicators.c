/* SPDX-License-Identifier: Apache-2.0 */
/* The list of indicators, and how one is read; what matches is in indicators_match.c. */
#include "responder/indicators.h"
#include "evidence/base.h"
#include "evidence/note.h"
#include "responder/complain.h"
#include "responder/file.h"
#include "responder/memory.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#define SHA256_HEX 64

/* Where a value is from, for messages. */
struct origin {
	const char *name;
	size_t line; /* 0: the command line; name is the option */
};

static int blame(const struct origin *from, const char *word, const char *why)
{
	if (from->line)
		return complain(-EINVAL, "%s:%zu: \"%s\" %s", from->name, from->line, word, why);
	return complain(-EINVAL, "%s \"%s\": %s", from->name, word, why);
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = tolower((unsigned char)*s);
}

/* As reports write it, so that nobody clicks on it. */
static void refang(char *s)
{
	char *to = s;

	while (*s) {
		if (!strncmp(s, "[.]", 3) || !strncmp(s, "(.)", 3)) {
			*to++ = '.';
			s += 3;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

/* --- one reader per type: normalises in->text, or says what is wrong */

static const char *read_glob(struct indicator *i)
{
	return *i->text ? NULL : "is empty: want a path, a name or a pattern such as /tmp/*";
}

static const char *read_sha256(struct indicator *i)
{
	lower(i->text);
	if (strlen(i->text) == SHA256_HEX && strspn(i->text, "0123456789abcdef") == SHA256_HEX)
		return NULL;
	return "is no SHA-256 (64 hexadecimal digits); records have no other hashes";
}

static const char *read_bits(const char *text, unsigned int most, unsigned int *ret_bits)
{
	uint64_t bits;

	if (!note_parse_number((struct note_span){text, strlen(text)}, &bits) || bits > most)
		return "has no such prefix length";
	*ret_bits = bits + 128 - most;
	return NULL;
}

static void mask(uint8_t addr[static 16], unsigned int bits)
{
	for (unsigned int i = bits; i < 128; i++)
		addr[i / 8] &= ~(0x80 >> i % 8);
}

static bool read_address(const char *text, uint8_t ret_addr[static 16], unsigned int *ret_most)
{
	*ret_most = 32;
	memcpy(ret_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	if (inet_pton(AF_INET, text, ret_addr + 12) == 1)
		return true;
	*ret_most = 128;
	return inet_pton(AF_INET6, text, ret_addr) == 1;
}

/* An address in one form only, or the network. */
static const char *read_ip(struct indicator *i)
{
	char *slash = strchr(i->text, '/'), text[INET6_ADDRSTRLEN];
	const char *wrong = NULL;
	unsigned int most;

	if (slash)
		*slash = 0;
	refang(i->text);
	bool is_address = read_address(i->text, i->addr, &most);

	if (slash)
		memmove(i->text + strlen(i->text) + 1, slash + 1, strlen(slash + 1) + 1);
	if (!is_address)
		return "is neither an IPv4 or IPv6 address nor a network (10.0.0.0/8)";
	i->bits = 128;
	if (slash)
		wrong = read_bits(i->text + strlen(i->text) + 1, most, &i->bits);
	mask(i->addr, i->bits);
	/* One form only: what is an IPv4 address is written so. */
	bool is_v4 = i->bits >= 96 && !memcmp(i->addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

	inet_ntop(is_v4 ? AF_INET : AF_INET6, i->addr + (is_v4 ? 12 : 0), text, sizeof(text));
	free(i->text);
	i->text = i->bits < 128 ? memory_printf("%s/%u", text, i->bits - (is_v4 ? 96 : 0))
				: memory_strdup(text);
	return wrong;
}

static bool is_label(const char *s, size_t len)
{
	if (!len || len > 63)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_' && !(s[i] & 0x80))
			return false;
	return true;
}

/* "*.evil.example" and ".evil.example" are what "evil.example" is. */
static const char *read_domain(struct indicator *i)
{
	char *s = i->text;

	refang(s);
	lower(s);
	s += !strncmp(s, "*.", 2) ? 2 : *s == '.';
	memmove(i->text, s, strlen(s) + 1);
	size_t len = strlen(i->text);

	if (len && i->text[len - 1] == '.')
		i->text[--len] = 0;
	for (s = i->text; len && len < 256; s += strcspn(s, ".") + 1) {
		if (!is_label(s, strcspn(s, ".")))
			break;
		if (!strchr(s, '.'))
			return NULL;
	}
	return "is no name of a domain";
}

static const char *read_user(struct indicator *i)
{
	uint64_t uid;

	if (!strcmp(i->text, "root")) {
		free(i->text);
		i->text = memory_strdup("0");
	}
	if (!note_parse_number((struct note_span){i->text, strlen(i->text)}, &uid) ||
	    uid > UINT32_MAX)
		return "is no uid: records have numbers, not names, of users (root is taken)";
	i->uid = uid;
	return NULL;
}

static const struct {
	const char *name;
	const char *(*read)(struct indicator *i);
} types[] = {
	[INDICATOR_PATH] = {"path", read_glob}, [INDICATOR_SHA256] = {"sha256", read_sha256},
	[INDICATOR_IP] = {"ip", read_ip},	[INDICATOR_DOMAIN] = {"domain", read_domain},
	[INDICATOR_EXEC] = {"exec", read_glob}, [INDICATOR_USER] = {"user", read_user},
	[INDICATOR_COMM] = {"comm", read_glob},
};

const char *indicator_type_name(enum indicator_type type)
{
	return types[type].name;
}

/* A glob is compared one by one; so is a network. */
static bool is_pattern(const struct indicator *i)
{
	switch (i->type) {
	case INDICATOR_IP:
		return i->bits < 128;
	case INDICATOR_SHA256:
	case INDICATOR_DOMAIN:
	case INDICATOR_USER:
		return false;
	default:
		return strpbrk(i->text, "*?[\\");
	}
}

static void free_one(struct indicator *i)
{
	free(i->text);
	free(i->where);
}

/* Takes the indicator over. */
static int insert(struct indicators *in, struct indicator *i)
{
	_cleanup_free_ char *key = memory_printf("%d %s", i->type, i->text);

	if (strmap_find(&in->exact, key)) {
		free_one(i);
		return 0;
	}
	in->v = memory_grow(in->v, in->cnt, &in->cap, sizeof(*in->v));
	in->v[in->cnt++] = *i;
	in->has[i->type] = true;
	strmap_add(&in->exact, key, (void *)(uintptr_t)in->cnt);
	if (is_pattern(i)) {
		in->patterns = memory_grow(in->patterns, in->pattern_cnt, &in->pattern_cap,
					   sizeof(*in->patterns));
		in->patterns[in->pattern_cnt++] = in->cnt - 1;
	}
	return 0;
}

static int add(struct indicators *in, enum indicator_type type, const char *value, size_t len,
	       const struct origin *from)
{
	struct indicator i = {.type = type, .text = memory_printf("%.*s", (int)len, value)};
	_cleanup_free_ char *as_given = memory_strdup(i.text);
	const char *wrong = types[type].read(&i);

	if (!wrong && in->cnt >= INDICATORS_MAX)
		wrong = "is one too many: at most 1,000,000 indicators";
	if (wrong) {
		free_one(&i);
		return blame(from, as_given, wrong);
	}
	if (from->line)
		i.where = memory_printf("%s:%zu", from->name, from->line);
	return insert(in, &i);
}

int indicators_add(struct indicators *in, enum indicator_type type, const char *value)
{
	_cleanup_free_ char *option = memory_printf("--%s", types[type].name);

	return add(in, type, value, strlen(value), &(struct origin){.name = option});
}

void indicators_fini(struct indicators *in)
{
	for (size_t i = 0; i < in->cnt; i++)
		free_one(&in->v[i]);
	free(in->v);
	free(in->patterns);
	strmap_fini(&in->exact);
	*in = (struct indicators){};
}

/* --- a file of them */

static bool reads_as(enum indicator_type type, const char *value, size_t len)
{
	struct indicator i = {.type = type, .text = memory_printf("%.*s", (int)len, value)};
	bool fits = !types[type].read(&i);

	free_one(&i);
	return fits;
}

/* A value alone: what is it? */
static int add_bare(struct indicators *in, const char *value, size_t len, const struct origin *from)
{
	static const enum indicator_type order[] = {INDICATOR_IP, INDICATOR_SHA256,
						    INDICATOR_DOMAIN};
	_cleanup_free_ char *word = memory_printf("%.*s", (int)len, value);

	if (*value == '/')
		return add(in, INDICATOR_PATH, value, len, from);
	/* A word without a dot is no domain here: it is a slip, or a kind of hash that there is
	 * not. */
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if ((order[i] != INDICATOR_DOMAIN || strchr(word, '.')) &&
		    reads_as(order[i], value, len))
			return add(in, order[i], value, len, from);
	return blame(
		from, word,
		"is neither a path nor an address, a network, a SHA-256 or a domain; say which: "
		"path, sha256, ip, domain, exec, user or comm VALUE");
}

static bool find_type(const char *word, size_t len, enum indicator_type *ret_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strlen(types[i].name) == len && !strncmp(types[i].name, word, len)) {
			*ret_type = i;
			return true;
		}
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What is left of the line without comment and blanks around. */
static void trim(const char **line, size_t *len)
{
	const char *p = *line, *end = p + *len;

	for (const char *c = p; c < end; c++)
		if (*c == '#' && (c == p || is_blank(c[-1])))
			end = c;
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	*line = p;
	*len = end - p;
}

static int parse_line(struct indicators *in, const char *line, size_t len,
		      const struct origin *from)
{
	enum indicator_type type;
	size_t word = 0;

	trim(&line, &len);
	if (!len)
		return 0;
	if (memchr(line, 0, len))
		return blame(from, line, "has a NUL behind it: this is no text");
	while (word < len && !is_blank(line[word]))
		word++;
	if (word == len)
		return add_bare(in, line, len, from);
	if (!find_type(line, word, &type)) {
		_cleanup_free_ char *first = memory_printf("%.*s", (int)word, line);

		return blame(from, first,
			     "is no type: want path, sha256, ip, domain, exec, user or comm");
	}
	while (is_blank(line[word]))
		word++;
	return add(in, type, line + word, len - word, from);
}

int indicators_parse(struct indicators *in, const char *name, const char *text, size_t len)
{
	struct origin from = {.name = name};
	int err = 0;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	while (len && !err) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		from.line++;
		err = parse_line(in, text, line, &from);
		text += line + !!end;
		len -= line + !!end;
	}
	return err;
}

int indicators_load(struct indicators *in, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len, before = in->cnt;
	int err = file_read(path, INDICATORS_BYTES + 1, &text, &len);

	if (err)
		return log_err(err, "--indicators \"%s\"", path);
	if (len > INDICATORS_BYTES)
		return complain(-EINVAL, "--indicators \"%s\": more than %u MiB", path,
				INDICATORS_BYTES >> 20);
	err = indicators_parse(in, path, text, len);
	if (!err && in->cnt == before)
		log_warn("--indicators \"%s\": there is nothing new in it", path);
	return err;
}
