/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap-nic: the process behind netmap:eth0.
 *
 *	netmap-nic INTERFACE PIPE
 *
 * Started by libnetmap-user.so when a program registers an interface of the
 * host, and by nobody else.  It leaves the program's session, descriptors and
 * signals behind, says on standard output how it went ("0", or an errno and a
 * sentence) and then carries packets until nobody has the interface open any
 * more.
 */
#include "base/err.h"
#include "port/nic.h"
#include "tools/uplink.h"
#include "vale/nmport.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* What a program that knows nothing of us was doing is none of our business. */
static void
leave_program(void)
{
	sigset_t none;

	close_range(3, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	setsid();
	if (chdir("/") == -1)
		exit(EX_OSERR);
}

static int
open_interface(const char *name, const char *pipe, struct uplink **out,
    struct err *e)
{
	char port[IF_NAMESIZE + 8];
	struct nic nic;
	unsigned n;
	int rc = nic_look(name, &nic, e);

	if (rc < 0)
		return rc;
	n = nic.now.n_queues;
	snprintf(port, sizeof(port), "xdp:%s", name);
	return uplink_open(pipe, port, n < NMPORT_MAX_RINGS ? n :
		NMPORT_MAX_RINGS, out, e);
}

static void
report(int rc, const struct err *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	printf("%d %s\n", -rc, rc < 0 ? e->text : "");
	fflush(stdout);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
}

int
main(int argc, char **argv)
{
	struct err e = { 0 };
	struct uplink *u;
	int rc;

	if (argc != 3) {
		fputs("usage: netmap-nic interface pipe (netmap-run starts "
		      "it)\n", stderr);
		return EX_USAGE;
	}
	leave_program();
	rc = open_interface(argv[1], argv[2], &u, &e);
	report(rc, &e);
	if (rc < 0)
		return EX_UNAVAILABLE;
	uplink_run(u);
	uplink_close(u);
	return EX_OK;
}
