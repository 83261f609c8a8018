/* SPDX-License-Identifier: BSD-2-Clause */
/* enable and disable: the sysctls that have a command of their own. */
#include "cli/cmd.h"

#include "cli/names.h"

#include <string.h>
#include <sysexits.h>

static const struct {
	const char *keyword;
	const char *sysctl;
} switches[] = {
    {"firewall", "net.inet.ip.fw.enable"},
    {"one_pass", "net.inet.ip.fw.one_pass"},
    {"debug", "net.inet.ip.fw.debug"},
    {"verbose", "net.inet.ip.fw.verbose"},
    {"dyn_keepalive", "net.inet.ip.fw.dyn_keepalive"},
};

static int
switch_to(struct cli *c, const struct args *a, int32_t on, struct err *e)
{
	struct suggest g;
	char hint[64];
	int r;

	if (a->n < 2)
		return args_missing(a, "what to switch", e);
	if ((r = args_end(a, 2, e)) != 0)
		return r;
	suggest_init(&g, a->w[1].s);
	for (size_t k = 0; k < ARRAY_LEN(switches); k++) {
		suggest_try(&g, switches[k].keyword);
		if (!cli_match(c, a->w[1].s, switches[k].keyword))
			continue;
		if ((c->flags & CLI_TEST) != 0)
			return 0;
		r = ctl_sysctl_set(c->ctl, switches[k].sysctl, &on,
		    sizeof(on), e);
		return r != 0 ? cli_code(r) : 0;
	}
	return word_err(e, EX_USAGE, &a->w[1],
	    "unrecognized enable/disable keyword%s",
	    suggest_text(&g, hint, sizeof(hint)));
}

int
cmd_enable(struct cli *c, const struct args *a, struct err *e)
{
	return switch_to(c, a, 1, e);
}

int
cmd_disable(struct cli *c, const struct args *a, struct err *e)
{
	return switch_to(c, a, 0, e);
}
