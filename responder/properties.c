/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/properties.h"
#include "evidence/base.h"
#include "responder/complain.h"
#include "responder/file.h"
#include "responder/memory.h"
#include <string.h>

#define FILE_MAX (1u << 20)

void properties_add(struct options *o, struct note_span name, struct note_span value, char *where)
{
	size_t cnt = o->source_opts.property_cnt;

	o->properties = memory_grow(o->properties, cnt, &o->property_cap, sizeof(*o->properties));
	o->properties[cnt] = (struct source_property){
		.name = memory_printf("%.*s", (int)name.len, name.at),
		.value = memory_printf("%.*s", (int)value.len, value.at),
		.where = where,
	};
	o->source_opts.properties = o->properties;
	o->source_opts.property_cnt++;
}

static struct note_span trim(struct note_span s)
{
	while (s.len && strchr(" \t\r", s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && strchr(" \t\r", s.at[s.len - 1]))
		s.len--;
	return s;
}

static int take_line(struct options *o, struct note_span line, const char *path, size_t number)
{
	const char *equals;

	line = trim(line);
	if (!line.len || *line.at == '#')
		return 0;
	equals = memchr(line.at, '=', line.len);
	if (!equals || equals == line.at)
		/* Not the line itself: it may be a password. */
		return complain(-EINVAL, "%s:%zu: want PROPERTY=VALUE", path, number);
	properties_add(o, trim((struct note_span){line.at, equals - line.at}),
		       trim((struct note_span){equals + 1, line.at + line.len - equals - 1}),
		       memory_printf("%s:%zu", path, number));
	return 0;
}

int properties_load(struct options *o, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len, number = 1;
	int err = file_read(path, FILE_MAX, &text, &len);

	if (err)
		return log_err(err, "-F %s: cannot be read", path);
	o->has_properties_file = true;
	for (const char *at = text, *end = text + len; at < end && !err; number++) {
		const char *newline = memchr(at, '\n', end - at);
		const char *stop = newline ? newline : end;

		err = take_line(o, (struct note_span){at, stop - at}, path, number);
		at = stop + 1;
	}
	return err;
}

void properties_fini(struct options *o)
{
	for (size_t i = 0; i < o->source_opts.property_cnt; i++) {
		free((char *)o->properties[i].name);
		free((char *)o->properties[i].value);
		free((char *)o->properties[i].where);
	}
	free(o->properties);
}
