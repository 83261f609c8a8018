/* SPDX-License-Identifier: BSD-2-Clause */
/* ipfw and dnctl: arguments and environment of the process, nothing else. */
#include "cli/cli.h"

#include "base/sched.h"
#include "ipfw_abi.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	const char *host = getenv("IPFW_HOST"), *port = getenv("IPFW_PORT");
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "";
	struct cli c = {.in = stdin, .out = stdout, .err = stderr, .set = -1};
	unsigned number = CTL_PORT;
	int r;

	sched_short_slices(); /* kipfw may be busy on every core */
	c.prog = strcmp(name, "dnctl") == 0 ? "dnctl" : "ipfw";
	if (port != NULL && *port != '\0' &&
	    (!args_number(port, 65535, &number) || number == 0)) {
		fprintf(stderr, "%s: IPFW_PORT: \"%.40s\" is not a port\n",
		    c.prog, port);
		return EX_USAGE;
	}
	if (host == NULL || *host == '\0')
		host = "127.0.0.1";
	if (!isatty(STDIN_FILENO))
		c.flags |= CLI_FORCE;
	c.ctl = ctl_client_open(host, (uint16_t)number);
	if (c.ctl == NULL)
		return EX_OSERR;
	r = cli_main(&c, argc, argv);
	ctl_client_close(c.ctl);
	if (fflush(stdout) != 0 && r == 0)
		r = EX_IOERR;
	return r;
}
