/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/aqm.h"

/* Each in its own file. */
extern const struct aqm_ops aqm_codel, aqm_pie, aqm_red, aqm_gred;

const struct aqm_ops *const aqm_table[] = {
	&aqm_codel,
	&aqm_pie,
	&aqm_red,
	&aqm_gred,
	NULL,
};

const struct aqm_ops *
aqm_find(uint8_t type)
{
	for (unsigned i = 0; aqm_table[i] != NULL; i++) {
		if (aqm_table[i]->type == type)
			return aqm_table[i];
	}
	return NULL;
}
