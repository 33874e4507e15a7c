/* SPDX-License-Identifier: Apache-2.0 */
/* The three sources of configuration: command line, environment, file. */
#include "sensor/conf_loader.h"

#include "evidence/base.h"
#include "evidence/diag.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LIMIT (1 << 20)

extern char **environ;

/* --- command line */

static int command_option(struct conf_loader *l, const char *name, const char *value)
{
	if (strcmp(name, "config"))
		return conf_set(l, name, value, (struct conf_origin){CONF_COMMAND, 0});
	l->file = value;
	return 0;
}

static int ask_probe(struct conf_loader *l)
{
	l->conf->probe = true;
	return 0;
}

static int ask_check(struct conf_loader *l)
{
	l->conf->check = true;
	return 0;
}

static int ask_json(struct conf_loader *l)
{
	l->conf->json = true;
	return 0;
}

static int ask_probe_json(struct conf_loader *l)
{
	l->conf->probe = l->conf->json = true;
	return 0;
}

static int ask_check_json(struct conf_loader *l)
{
	l->conf->check = l->conf->json = true;
	return 0;
}

static int ask_unpin(struct conf_loader *l)
{
	l->conf->unpin = true;
	return 0;
}

static int ask_print(struct conf_loader *l)
{
	l->print = true;
	return 0;
}

static int ask_sample(struct conf_loader *l)
{
	l->sample = true;
	return 0;
}

static int answer_help(struct conf_loader *l)
{
	(void)l;
	conf_show_help();
	return 1;
}

static int answer_version(struct conf_loader *l)
{
	(void)l;
	printf("varve-sensor %s\n", VARVE_VERSION);
	return 1;
}

/* What takes no value. 1: it is answered. */
static const struct {
	const char *name;
	int (*act)(struct conf_loader *l);
} words[] = {
	{"probe", ask_probe},	     {"probe=json", ask_probe_json},
	{"check", ask_check},	     {"check=json", ask_check_json},
	{"json", ask_json},	     {"unpin", ask_unpin},
	{"print-config", ask_print}, {"sample-config", ask_sample},
	{"help", answer_help},	     {"version", answer_version},
};

/* 1 if the word was answered; 0 if it is a switch; -ENOENT if it is none of these. */
static int command_word(struct conf_loader *l, const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].name, arg))
			return words[i].act(l);
	return -ENOENT;
}

static int command_argument(struct conf_loader *l, char **argv, int argc, int *i)
{
	const char *arg = argv[*i] + 2, *equals = strchr(arg, '=');
	_cleanup_free_ char *name = equals ? strndup(arg, equals - arg) : strdup(arg);
	int err;

	if (!name)
		return conf_no_memory();
	err = command_word(l, arg);
	if (err != -ENOENT)
		return err;
	if (equals)
		return command_option(l, name, equals + 1);
	if (strcmp(name, "config") && strncmp(name, "kafka.", 6) &&
	    conf_option_find(name, strlen(name)) < 0)
		return conf_refuse_unknown(l, (struct conf_origin){CONF_COMMAND, 0}, name);
	if (*i + 1 >= argc) {
		diag(DIAG_ERROR, "command line: --%.80s needs a value: --%.80s VALUE", name, name);
		return -EINVAL;
	}
	return command_option(l, name, argv[++*i]);
}

int conf_read_command(struct conf_loader *l, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int err;

		if (strncmp(argv[i], "--", 2) || !argv[i][2]) {
			diag(DIAG_ERROR,
			     "command line: unexpected argument '%.80s': options begin with --, "
			     "--help lists them",
			     argv[i]);
			return -EINVAL;
		}
		err = command_argument(l, argv, argc, &i);
		if (err)
			return err;
	}
	return 0;
}

/* --- environment */

/*
 * Kubernetes puts VARVE_SERVICE_HOST, VARVE_PORT_9090_TCP_ADDR and the like into every pod beside a
 * service called varve (or varve-kafka): not meant for us.
 */
static bool is_service_link(const char *name)
{
	const char *port = strstr(name, "_PORT");

	return strstr(name, "_SERVICE_HOST") || strstr(name, "_SERVICE_PORT") ||
	       (port && (!port[5] || (port[5] == '_' && isdigit((unsigned char)port[6]))));
}

/* LOG_DIR to log-dir; KAFKA_SASL_USERNAME to kafka.sasl.username. */
static void option_of_variable(char *name)
{
	bool kafka;

	for (char *p = name; *p; p++)
		*p = *p == '_' ? '-' : tolower((unsigned char)*p);
	kafka = !strncmp(name, "kafka-", 6) && conf_option_find(name, strlen(name)) < 0;
	for (char *p = name; kafka && *p; p++)
		*p = *p == '-' ? '.' : *p;
}

static int load_variable(struct conf_loader *l, const char *variable)
{
	const char *equals = strchr(variable, '=');
	_cleanup_free_ char *whole = NULL;
	char *name;

	if (!equals || strncmp(variable, "VARVE_", 6))
		return 0;
	whole = strndup(variable, equals - variable);
	if (!whole)
		return conf_no_memory();
	if (is_service_link(whole))
		return 0;
	name = whole + 6;
	option_of_variable(name);
	if (strcmp(name, "config"))
		return conf_set(l, name, equals + 1, (struct conf_origin){CONF_ENVIRONMENT, 0});
	l->file = l->file ? l->file : equals + 1;
	return 0;
}

int conf_read_environment(struct conf_loader *l)
{
	for (char **variable = environ; variable && *variable; variable++) {
		int err = load_variable(l, *variable);

		if (err)
			return err;
	}
	return 0;
}

/* --- file */

static char *trim(char *s, char *end)
{
	while (s < end && isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = 0;
	return s;
}

static int load_line(struct conf_loader *l, char *line, char *end, unsigned int number)
{
	struct conf_origin o = {CONF_FILE, number};
	char *equals, *name;

	if (memchr(line, 0, end - line)) {
		diag(DIAG_ERROR, "%s: a NUL byte: this is no text file", conf_place(l, o));
		return -EINVAL;
	}
	line = trim(line, end);
	if (!*line || *line == '#')
		return 0;
	equals = strchr(line, '=');
	if (!equals || equals == line) {
		/* not quoted: it may be a secret */
		diag(DIAG_ERROR, "%s: not understood: give 'name = value', or # before a comment",
		     conf_place(l, o));
		return -EINVAL;
	}
	end = line + strlen(line);
	name = trim(line, equals);
	return conf_set(l, name, trim(equals + 1, end), o);
}

static int load_text(struct conf_loader *l, char *text, size_t len)
{
	char *end = text + len;
	unsigned int number = 1;

	for (char *line = text; line < end; number++) {
		char *newline = memchr(line, '\n', end - line);
		char *stop = newline ? newline : end;
		int err = load_line(l, line, stop, number);

		if (err)
			return err;
		line = stop + 1;
	}
	return 0;
}

static int refuse_file(int err, const char *file)
{
	return log_err(err, "configuration file %s cannot be read: correct --config or the file",
		       file);
}

static int read_conf_file(const char *file, char **ret_text, size_t *ret_len)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (st.st_size > FILE_LIMIT)
		return -EFBIG;
	text = malloc(st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (len < (size_t)st.st_size && (n = read(fd, text + len, st.st_size - len)) > 0)
		len += n;
	if (n < 0)
		return -errno;
	text[len] = 0;
	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

int conf_read_file(struct conf_loader *l)
{
	_cleanup_free_ char *text = NULL;
	bool asked = l->file;
	size_t len = 0;
	int err;

	if (!asked)
		l->file = CONF_FILE_DEFAULT;
	err = read_conf_file(l->file, &text, &len);
	if (err == -ENOENT && !asked)
		return 0;
	if (err)
		return refuse_file(err, l->file);
	return load_text(l, text, len);
}
