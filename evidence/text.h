/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from outside as text: valid UTF-8 for the wire, harmless characters for a terminal.
 * Kernel text (paths, arguments, comm) is bytes; a consumer's protobuf decoder drops a whole record
 * for one bad byte, and a terminal obeys escape sequences.
 */
#ifndef VARVE_TEXT_H
#define VARVE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arena;

/*
 * Decodes the character at s (len > 0): its length in bytes, or 0 if the byte there begins no valid
 * UTF-8 character.
 */
size_t text_decode(const char *s, size_t len, uint32_t *ret_cp);

/* True if a terminal may have it raw: no control, nothing invisible or turning the direction. */
bool text_is_harmless(uint32_t cp);

/*
 * How many bytes at s are printable ASCII other than the quote and the backslash: as they are in
 * any of our formats. At most len.
 */
size_t text_plain_len(const char *s, size_t len);
/* Copies them, too; what lies behind them in `to`, which has len bytes, is left as it comes. */
size_t text_copy_plain(char *to, const char *s, size_t len);

/* True if the bytes are valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF) without
 * NUL. */
bool text_is_utf8(const char *s, size_t len);

/*
 * Text of len bytes: itself, copied with a NUL behind, if valid; else each offending byte is
 * replaced by U+FFFD and *ret_lossy set (it is not cleared otherwise). NULL if the arena is used
 * up.
 */
char *text_from_bytes(struct arena *a, const char *s, size_t len, bool *ret_lossy);

/* A number in decimal digits, without a NUL: how many there are. */
#define TEXT_NUMBER_LEN 20
size_t text_format_unsigned(char to[static TEXT_NUMBER_LEN], uint64_t v);

/*
 * Prints so that nothing reaches the terminal raw: C0 and C1 controls, DEL, backslash, bytes that
 * are not UTF-8, bidirectional and zero-width format characters come out as \n \t \\ \xHH or
 * \u{HHHH}.
 */
void text_print_escaped(FILE *out, const char *s, size_t len);

#endif
