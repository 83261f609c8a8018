/* SPDX-License-Identifier: BSD-2-Clause */
/* ipfw and dnctl: the commands without an engine. */
#include "cli/cli.h"

int
main(int argc, char *argv[])
{
	return cli_program(argc, argv, NULL);
}
