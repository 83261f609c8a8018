/* SPDX-License-Identifier: BSD-2-Clause */
/* What every unit test includes first: cmocka and the headers it wants. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
