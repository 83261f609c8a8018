/* SPDX-License-Identifier: BSD-2-Clause */
/* What the index of the rules looks like: 'internal plan'. */
#include "ctl/op.h"

#include <string.h>

int
op_plan(struct control *c, struct ctl_call *call, struct err *e)
{
	struct obj_lhdr *h = call->data;
	struct plan_info *info = (void *)(h + 1);
	struct plan_stats s;
	uint64_t builds;
	bool building;
	int error = op_list_begin(call, 1, sizeof(*info), e);

	if (error != 0)
		return error;
	engine_plan_stats(c->en, &s, &builds, &building);
	*info = (struct plan_info){
	    .rules = s.n_rules,
	    .flags = (s.flat ? 0 : PLAN_FOREST) |
		(s.in_bursts ? PLAN_BURSTS : 0) | (building ? PLAN_BUILDING : 0),
	    .nodes = s.forest.n_nodes,
	    .leaves = s.forest.n_leaves,
	    .refs = s.forest.n_refs,
	    .depth = s.forest.max_depth,
	    .longest = s.forest.max_leaf,
	    .indexed = s.flat ? s.n_rules : s.forest.n_rules,
	    .added = s.n_added,
	    .gone = s.n_gone,
	    .bytes = s.bytes,
	    .build_ns = s.build_ns,
	    .builds = builds,
	};
	memcpy(info->scan, s.scan, strnlen(s.scan, sizeof(info->scan) - 1));
	return 0;
}
