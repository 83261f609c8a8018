/* SPDX-License-Identifier: BSD-2-Clause */
/* ipfw and dnctl as programs: arguments and environment of the process. */
#include "cli/cli.h"

#include "base/sched.h"
#include "ipfw_abi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int
cli_program(int argc, char *argv[], const struct cli_offline *offline)
{
	const char *host = getenv("IPFW_HOST"), *port = getenv("IPFW_PORT");
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "";
	struct cli c = {.in = stdin, .out = stdout, .err = stderr, .set = -1,
	    .offline = offline, .argv = argv};
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

/* Beside this program, where it is installed, or as the shell finds it. */
static void
exec_kipfw(char *const argv[])
{
	static const char *const places[] = {"/kipfw", "/../sbin/kipfw"};
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *slash;

	for (size_t k = 0; len > 0 && k < ARRAY_LEN(places); k++) {
		path[len] = '\0';
		if ((slash = strrchr(path, '/')) == NULL)
			break;
		strcpy(slash, places[k]);
		execv(path, argv);
	}
	execvp("kipfw", argv);
}

int
cli_need_offline(struct cli *c, struct err *e)
{
	char name[] = "ipfw";

	if (c->offline != NULL)
		return 0;
	if (c->argv == NULL || c->line != 0) {
		err_set(e, EOPNOTSUPP, "not possible here: only on the command "
		    "line of ipfw");
		return EX_UNAVAILABLE;
	}
	fflush(c->out);
	c->argv[0] = name;
	exec_kipfw(c->argv);
	err_set(e, errno, "this needs the program kipfw, which is neither "
	    "beside ipfw nor in the PATH: %s", strerror(errno));
	return EX_UNAVAILABLE;
}
