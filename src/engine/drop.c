/* SPDX-License-Identifier: BSD-2-Clause */
/* Drop reasons in words, and those that parse finds. */
#include "engine/engine.h"

const char *const drop_text[N_DROPS] = {
#define DROP(name, text) [DROP_##name] = text,
#include "engine/drop.def"
};

static const enum drop_reason of_bad[PKT_BAD_MAX] = {
	[PKT_BAD_SHORT_ETHER] = DROP_SHORT_ETHER,
	[PKT_BAD_SHORT_L3] = DROP_SHORT_L3,
	[PKT_BAD_SHORT_L4] = DROP_SHORT_L4,
	[PKT_BAD_TINY_FRAG] = DROP_TINY_FRAG,
	[PKT_BAD_EXT_HDR] = DROP_EXT_HDR,
	[PKT_BAD_SINGLE_FRAG] = DROP_SINGLE_FRAG,
};

enum drop_reason
drop_of_bad(uint8_t bad)
{
	return of_bad[bad];
}
