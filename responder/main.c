/* SPDX-License-Identifier: Apache-2.0 */
/* varve: reads the evidence. */
#include "evidence/diag.h"
#include "responder/commands.h"
#include <stdio_ext.h>
#include <unistd.h>

#define OUTPUT_BUFFER (256u << 10)

/* There is one thread, and much to print. */
static void prepare_output(FILE *out)
{
	static char buffer[OUTPUT_BUFFER];

	__fsetlocking(out, FSETLOCKING_BYCALLER);
	if (!isatty(fileno(out)))
		setvbuf(out, buffer, _IOFBF, sizeof(buffer));
}

int main(int argc, char **argv)
{
	diag_init("varve", DIAG_WARN);
	prepare_output(stdout);
	return commands_run(argc, argv, stdout);
}
