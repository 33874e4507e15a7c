/* SPDX-License-Identifier: Apache-2.0 */
/* varve: reads the evidence. */
#include "evidence/diag.h"
#include "responder/commands.h"

int main(int argc, char **argv)
{
	diag_init("varve", DIAG_WARN);
	return commands_run(argc, argv, stdout);
}
