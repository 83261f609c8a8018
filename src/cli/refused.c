/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/refused.h"

#include "base/cdefs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Each is the name of its instruction too. */
static const char *const keywords[N_REFUSABLE] = {"verrevpath", "versrcreach",
    "antispoof", "uid", "gid", "jail", "fib", "sockarg", "ipsec", "setfib",
    "netgraph", "ngtee", "recv", "xmit", "via", "log"};

void
refusable_note(struct refusable *r, const struct args *a)
{
	*r = (struct refusable){{0}};
	for (unsigned i = a->n; i-- > 0;) {
		for (unsigned k = 0; k < N_REFUSABLE; k++) {
			if (a->w[i].pos <= UINT8_MAX &&
			    strcmp(a->w[i].s, keywords[k]) == 0)
				r->at[k] = (uint8_t)a->w[i].pos;
		}
	}
}

void
refusable_explain(const struct refusable *r, struct err *e)
{
	char why[sizeof(e->text)];
	size_t len = strcspn(e->text, " ");
	unsigned word;

	if (sscanf(e->text + len, " at word %u %239[^\n]", &word, why) != 2)
		return;
	for (unsigned k = 0; k < N_REFUSABLE; k++) {
		if (r->at[k] != 0 && strlen(keywords[k]) == len &&
		    strncasecmp(e->text, keywords[k], len) == 0)
			err_at(e, e->code, r->at[k], "word %u \"%s\": %s",
			    r->at[k], keywords[k], why);
	}
}
