/* SPDX-License-Identifier: BSD-2-Clause */
/* internal plan: what the index of the rules looks like. */
#include "cli/cmd.h"

#include "cli/text.h"

#include <errno.h>

static void
print_forest(FILE *out, const struct plan_info *p)
{
	fprintf(out, "  forest of %u rules: %u nodes, depth %u, "
	    "%u leaves of %u rules in all, %u in the longest\n", p->indexed,
	    p->nodes, p->depth, p->leaves, p->refs, p->longest);
	fprintf(out, "  built in %.2f ms, %s\n",
	    (double)p->build_ns / 1e6,
	    (p->flags & PLAN_BURSTS) != 0 ? "fetched ahead" :
					     "small enough for the cache");
	fprintf(out, "  since then %u added, %u gone%s\n", p->added, p->gone,
	    (p->flags & PLAN_BUILDING) != 0 ? "; a new one is being built" :
					      "");
}

int
cmd_plan(struct cli *c, const struct args *a, struct err *e)
{
	struct {
		struct obj_lhdr h;
		struct plan_info p;
	} m = {.h = {.op = {.opcode = FW3_PLAN}, .size = sizeof(m)}};
	struct text scan = {0};
	size_t len;
	int r;

	(void)a;
	r = ctl_get(c->ctl, CTL_FW3, &m, sizeof(m.h), sizeof(m), &len, e);
	if (r == 0 && len < sizeof(m))
		r = err_set(e, EPROTO, "the daemon's answer is too short");
	if (r != 0)
		return cli_code(r);
	text_safe(&scan, m.p.scan, sizeof(m.p.scan));
	fprintf(c->out, "%u rules, %.1f kB, comparison: %s\n", m.p.rules,
	    (double)m.p.bytes / 1e3, text_str(&scan));
	text_fini(&scan);
	if ((m.p.flags & PLAN_FOREST) != 0)
		print_forest(c->out, &m.p);
	else
		fprintf(c->out, "  few rules: looked through in order\n");
	fprintf(c->out, "  forests built so far: %llu\n",
	    (unsigned long long)m.p.builds);
	return 0;
}
