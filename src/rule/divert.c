/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/divert.h"

#include "kipfw_divert.h"
#include "rule/interp.h"

#include <string.h>

_Static_assert((int)IFNAME_LEN == sizeof(((struct kipfw_divert *)0)->in_if),
    "names of ports");

static void
fill(struct kipfw_divert *m, const struct pass *pass, const struct pkt *p,
    const struct pkt_fate *fate, uint8_t flags)
{
	*m = (struct kipfw_divert){
		.rule = fate->rule_num,
		.port = fate->to,
		.lane = pass->lane,
		.dir = pass->out ? KIPFW_DIVERT_OUT : KIPFW_DIVERT_IN,
		.flags = flags,
		.len = p->len,
		.mark = p->mark,
	};
	memcpy(m->in_if, pass->in_if, strnlen(pass->in_if, IFNAME_LEN - 1));
	memcpy(m->out_if, pass->out_if, strnlen(pass->out_if, IFNAME_LEN - 1));
	memcpy(m + 1, p->data, p->len);
}

enum divert_end
divert_put(struct divert *d, const struct pass *pass, const struct pkt *p,
    const struct pkt_fate *fate, uint8_t flags)
{
	struct kipfw_divert *m;

	if (d == NULL || !divert_listens(d->ports, fate->to))
		return DIVERT_NOBODY;
	m = msgring_put(d->ring, (uint32_t)sizeof(*m) + p->len);
	if (m == NULL)
		return DIVERT_FULL;
	fill(m, pass, p, fate, flags);
	stat_add(&d->handed, 1);
	return DIVERT_HANDED;
}

void
divert_tee(const struct pass *pass, const struct pkt *p,
    const struct pkt_fate *fate)
{
	if (divert_put(pass->divert, pass, p, fate, KIPFW_DIVERT_TEE) ==
	    DIVERT_FULL)
		stat_add(&pass->divert->tees_lost, 1);
}
