/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

const char *const drop_text[N_DROPS] = {
#define DROP(name, text) [DROP_##name] = text,
#include "engine/drop.def"
};
