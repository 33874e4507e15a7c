/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream that commands print to hands over whole lines. The pager starts with the first of
 * them: before that there can be errors, progress, and a long reading that somebody wants to
 * interrupt.
 */
#include "responder/terminal.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/memory.h"
#include "responder/paint.h"
#include "responder/progress.h"
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LINE_MAX_BYTES (1u << 20) /* a longer one goes out in pieces, without colours */

/* For the signal handler. */
static volatile pid_t running_pager;
static volatile int pager_fd = -1;

/* Ctrl-C is for the pager, too; the terminal is its until it is left. */
static void on_interrupt(int signo)
{
	close(pager_fd);
	while (waitpid(running_pager, NULL, 0) < 0 && errno == EINTR)
		;
	_exit(128 + signo);
}

static bool is_in_path(const char *name)
{
	const char *path = getenv("PATH");

	for (const char *p = path; p && *p; p += strcspn(p, ":"), p += *p == ':') {
		_cleanup_free_ char *file = memory_printf("%.*s/%s", (int)strcspn(p, ":"), p, name);

		if (!access(file, X_OK))
			return true;
	}
	return false;
}

/* NULL: none. */
static const char *pager_command(void)
{
	const char *pager = getenv("PAGER");

	if (!pager)
		return is_in_path("less") ? "less" : NULL;
	return !*pager || !strcmp(pager, "cat") ? NULL : pager;
}

static void __attribute__((noreturn)) run_pager(const char *command, int fd)
{
	dup2(fd, 0);
	close(fd);
	/* -R: our colours and nothing else; -F, -X: what fits stays on the screen. */
	setenv("LESS", "RFX", 0);
	execlp("sh", "sh", "-c", command, NULL);
	_exit(127);
}

static FILE *start_pager(struct terminal *t)
{
	const char *command = t->pages ? pager_command() : NULL;
	int fds[2];

	if (!command || pipe(fds) < 0)
		return t->real;
	t->pager = fork();
	if (!t->pager) {
		close(fds[1]);
		run_pager(command, fds[0]);
	}
	close(fds[0]);
	FILE *to = t->pager > 0 ? fdopen(fds[1], "w") : NULL;

	if (!to) {
		t->pager = 0;
		close(fds[1]);
		return t->real;
	}
	running_pager = t->pager;
	pager_fd = fds[1];
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_interrupt);
	signal(SIGQUIT, on_interrupt);
	return to;
}

static void put_line(struct terminal *t, bool is_whole)
{
	if (t->paints && is_whole)
		paint_line(t->to, t->line, t->len);
	else
		fwrite(t->line, 1, t->len, t->to);
	if (is_whole)
		fputc('\n', t->to);
	t->len = 0;
}

static ssize_t take(void *ctx, const char *buf, size_t len)
{
	struct terminal *t = ctx;

	if (!t->has_begun) {
		progress_to(-1);
		t->to = start_pager(t);
		t->has_begun = true;
	}
	for (size_t i = 0; i < len; i++) {
		if (buf[i] != '\n') {
			t->line = memory_grow(t->line, t->len, &t->cap, 1);
			t->line[t->len++] = buf[i];
		}
		if (buf[i] == '\n' || t->len == LINE_MAX_BYTES)
			put_line(t, buf[i] == '\n');
	}
	if (!fflush(t->to) && !ferror(t->to))
		return (ssize_t)len;
	/* Who leaves the pager has seen enough. */
	t->has_left = errno == EPIPE;
	return 0;
}

bool terminal_is_smart(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && strcmp(term, "dumb");
}

bool terminal_shows_progress(void)
{
	struct stat st;

	return terminal_is_smart(2) && !fstat(1, &st) && !S_ISFIFO(st.st_mode);
}

static bool wants_colours(int fd)
{
	const char *no_color = getenv("NO_COLOR");

	return (!no_color || !*no_color) && terminal_is_smart(fd);
}

void terminal_begin(struct terminal *ret_term, FILE *out, bool pages)
{
	static const cookie_io_functions_t functions = {.write = take};
	int fd = fileno(out);

	*ret_term = (struct terminal){.out = out, .real = out};
	if (fd < 0 || !isatty(fd))
		return;
	ret_term->pages = pages;
	ret_term->paints = wants_colours(fd);
	ret_term->out = fopencookie(ret_term, "w", functions);
	if (!ret_term->out)
		memory_exhausted();
	setvbuf(ret_term->out, NULL, _IOFBF, 1 << 16);
}

/* What could not be run has shown nothing. */
static bool wait_for_pager(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 127 && WEXITSTATUS(status) != 126))
		return true;
	diag(DIAG_ERROR, "the pager cannot be run: PAGER=\"%s\" (PAGER=cat does without)",
	     pager_command());
	return false;
}

bool terminal_end(struct terminal *t)
{
	if (t->out == t->real)
		return true;
	bool is_fine = !fclose(t->out);

	if (t->len)
		put_line(t, false);
	free(t->line);
	if (t->has_begun && fflush(t->to))
		is_fine = false;
	if (t->pager) {
		fclose(t->to);
		is_fine &= wait_for_pager(t->pager);
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
	}
	return is_fine && !t->has_left;
}
