/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer per shell. All text is the program's own, but has quotes and brackets in it that the
 * shells take for theirs.
 */
#include "responder/completion.h"
#include "evidence/base.h"
#include "evidence/event.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include <ctype.h>
#include <string.h>

/* What can stand behind an option. */
enum value_kind { VALUE_NONE, VALUE_FREE, VALUE_FILE, VALUE_WORDS, VALUE_LIST /* with commas */ };

struct value {
	enum value_kind kind;
	char *words; /* with a space between */
};

static char *kinds(void)
{
	char *all = memory_strdup("");

	for (unsigned int i = 0; i < FILTER_KIND_MAX; i++) {
		if (!event_kind_name(i))
			continue;
		char *more = memory_printf("%s%s%s", all, *all ? " " : "", event_kind_name(i));

		free(all);
		all = more;
	}
	return all;
}

static char *classes(void)
{
	char *all = memory_strdup("sensor");

	for (unsigned int i = 0; event_class_name(i); i++) {
		if (!strcmp(event_class_name(i), "sensor"))
			continue;
		char *more = memory_printf("%s %s", all, event_class_name(i));

		free(all);
		all = more;
	}
	return all;
}

/* "tree|timeline|jsonl" are words; "NAME|UID" says what it is. */
static bool are_words(const char *s)
{
	bool several = false;

	for (; *s; s++) {
		several |= *s == '|';
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '|' &&
		    *s != '-')
			return false;
	}
	return several;
}

static struct value value_of(const struct option_text *o)
{
	struct value v = {.kind = VALUE_FREE};

	if (!o->value)
		v.kind = VALUE_NONE;
	else if (!strcmp(o->value, "FILE"))
		v.kind = VALUE_FILE;
	else if (!strcmp(o->name, "--kind"))
		v = (struct value){VALUE_LIST, kinds()};
	else if (!strcmp(o->name, "--class"))
		v = (struct value){VALUE_LIST, classes()};
	else if (are_words(o->value))
		v = (struct value){VALUE_WORDS, memory_strdup(o->value)};
	for (char *p = v.words; p && *p; p++)
		if (*p == '|')
			*p = ' ';
	return v;
}

/* Characters of `special` with a backslash before them; those of a single-quoted string as '\''. */
static void put(FILE *out, const char *s, const char *special)
{
	for (; *s && *s != '\n'; s++) {
		if (*s == '\'') {
			fputs("'\\''", out);
			continue;
		}
		if (strchr(special, *s))
			fputc('\\', out);
		fputc(*s, out);
	}
}

/* --- bash */

struct writing {
	FILE *out;
	const struct command *cmd;
};

static void bash_case(const struct option_text *o, void *ctx)
{
	static const char *const actions[] = {
		[VALUE_FREE] = "return",
		[VALUE_FILE] = "_varve_files; return",
		[VALUE_WORDS] = "words='",
		[VALUE_LIST] = "list=,; words='",
	};
	struct writing *w = ctx;
	struct value v = value_of(o);

	if (v.kind == VALUE_NONE)
		return;
	fprintf(w->out, "\t'%s %s') %s", w->cmd->name, o->name, actions[v.kind]);
	if (v.words)
		fprintf(w->out, "%s'", v.words);
	fputs(" ;;\n", w->out);
	free(v.words);
}

static void bash_name(const struct option_text *o, void *ctx)
{
	fprintf(((struct writing *)ctx)->out, " %s", o->name);
}

static void print_bash(const struct command *commands, size_t cnt, FILE *out)
{
	struct writing w = {.out = out};

	fputs("# bash completion for varve, as varve --completion bash prints it.\n"
	      "_varve_files() {\n"
	      "\tlocal IFS=$'\\n'\n"
	      "\tcompopt -o filenames 2>/dev/null\n"
	      "\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	      "}\n"
	      "_varve() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words= "
	      "list= "
	      "before=\n"
	      "\tCOMPREPLY=()\n"
	      "\t# --option=value comes as three words.\n"
	      "\tif [ \"$cur\" = = ]; then cur=\n"
	      "\telif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tfi\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W '--help --version",
	      out);
	for (size_t i = 0; i < cnt; i++)
		fprintf(out, " %s", commands[i].name);
	fputs("' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase \"${COMP_WORDS[1]} $prev\" in\n", out);
	for (size_t i = 0; i < cnt; i++) {
		w.cmd = &commands[i];
		options_each(w.cmd, bash_case, &w);
	}
	fputs("\tesac\n"
	      "\tif [ -n \"$words\" ]; then\n"
	      "\t\t[ -n \"$list\" ] && [[ $cur == *,* ]] && before=${cur%,*},\n"
	      "\t\tCOMPREPLY=($(compgen -P \"$before\" -W \"$words\" -- \"${cur##*,}\"))\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tif [[ $cur != -* ]]; then\n\t\t_varve_files\n\t\treturn\n\tfi\n"
	      "\tcase \"${COMP_WORDS[1]}\" in\n",
	      out);
	for (size_t i = 0; i < cnt; i++) {
		fprintf(out, "\t%s) words='--help", commands[i].name);
		options_each(&commands[i], bash_name, &w);
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "}\n"
	      "complete -F _varve varve\n",
	      out);
}

/* --- zsh */

static void zsh_option(const struct option_text *o, void *ctx)
{
	struct writing *w = ctx;
	struct value v = value_of(o);

	/* '*': it may be given again. */
	bool is_long = !strncmp(o->name, "--", 2);

	fprintf(w->out, " \\\n\t\t\t'*%s%s[", o->name, is_long && o->value ? "=" : "");
	put(w->out, o->help, "[]:\\");
	fputc(']', w->out);
	if (v.kind != VALUE_NONE) {
		fputc(':', w->out);
		put(w->out, o->value, "[]:\\");
		fputc(':', w->out);
	}
	if (v.kind == VALUE_FILE)
		fputs("_files", w->out);
	else if (v.kind == VALUE_WORDS)
		fprintf(w->out, "(%s)", v.words);
	else if (v.kind == VALUE_LIST)
		fprintf(w->out, "_values -s , %s %s", o->name + 2, v.words);
	else if (v.kind == VALUE_FREE)
		fputc(' ', w->out);
	fputc('\'', w->out);
	free(v.words);
}

static void print_zsh(const struct command *commands, size_t cnt, FILE *out)
{
	struct writing w = {.out = out};

	fputs("#compdef varve\n"
	      "# zsh completion for varve, as varve --completion zsh prints it.\n"
	      "_varve() {\n"
	      "\tlocal -a commands=(",
	      out);
	for (size_t i = 0; i < cnt; i++) {
		fprintf(out, "\n\t\t'%s:", commands[i].name);
		put(out, commands[i].summary, ":\\");
		fputc('\'', out);
	}
	fputs(")\n"
	      "\tif (( CURRENT == 2 )); then\n"
	      "\t\t_describe command commands\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tlocal command=$words[2]\n"
	      "\tshift words\n"
	      "\t(( CURRENT-- ))\n"
	      "\tcase $command in\n",
	      out);
	for (size_t i = 0; i < cnt; i++) {
		fprintf(out, "\t%s)\n\t\t_arguments '--help[says more]' '*:SOURCE:_files'",
			commands[i].name);
		options_each(&commands[i], zsh_option, &w);
		fputs(" ;;\n", out);
	}
	fputs("\tesac\n"
	      "}\n"
	      "if [ \"$funcstack[1]\" = _varve ]; then _varve \"$@\"; else compdef _varve varve; "
	      "fi\n",
	      out);
}

/* --- fish */

static void fish_option(const struct option_text *o, void *ctx)
{
	struct writing *w = ctx;
	struct value v = value_of(o);
	bool is_long = !strncmp(o->name, "--", 2);

	fprintf(w->out, "complete -c varve -n '__fish_seen_subcommand_from %s' -%c %s",
		w->cmd->name, is_long ? 'l' : 's', o->name + 1 + is_long);
	if (v.kind == VALUE_FILE)
		fputs(" -r -F", w->out);
	else if (v.kind == VALUE_LIST)
		fprintf(w->out,
			" -x -a '(__fish_complete_list , \"string split \\\" \\\" \\\"%s\\\"\")'",
			v.words);
	else if (v.words)
		fprintf(w->out, " -x -a '%s'", v.words);
	else if (v.kind == VALUE_FREE)
		fputs(" -x", w->out);
	fputs(" -d '", w->out);
	for (const char *s = o->help; *s; s++)
		fprintf(w->out, "%s%c", strchr("'\\", *s) ? "\\" : "", *s);
	fputs("'\n", w->out);
	free(v.words);
}

static void print_fish(const struct command *commands, size_t cnt, FILE *out)
{
	struct writing w = {.out = out};

	fputs("# fish completion for varve, as varve --completion fish prints it.\n"
	      "complete -c varve -f -n __fish_use_subcommand -l help -d 'says more'\n"
	      "complete -c varve -f -n __fish_use_subcommand -l version -d 'prints the version'\n",
	      out);
	for (size_t i = 0; i < cnt; i++) {
		w.cmd = &commands[i];
		fprintf(out, "complete -c varve -f -n __fish_use_subcommand -a %s -d '",
			commands[i].name);
		for (const char *s = commands[i].summary; *s && *s != '\n'; s++)
			fprintf(out, "%s%c", strchr("'\\", *s) ? "\\" : "", *s);
		fputs("'\n", out);
		options_each(w.cmd, fish_option, &w);
	}
}

static const struct {
	const char *name;
	void (*print)(const struct command *commands, size_t cnt, FILE *out);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

int completion_print(const char *shell, const struct command *commands, size_t cnt, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!strcmp(shells[i].name, shell)) {
			shells[i].print(commands, cnt, out);
			return 0;
		}
	}
	return complain(-EINVAL, "--completion \"%s\": want bash, zsh or fish", shell);
}
