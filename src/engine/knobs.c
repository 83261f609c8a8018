/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/knobs.h"

const struct knob_info knob_table[] = {
#define KNOB(field, name, def, min, max)                                       \
	{name, offsetof(struct knobs, field), def, min, max},
#include "engine/knobs.def"
	{NULL, 0, 0, 0, 0},
};

void
knobs_init(struct knobs *k)
{
	for (const struct knob_info *i = knob_table; i->name != NULL; i++)
		knob_set(knob_word(k, i), i->def);
}
