/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole kipfw without ports and workers, for one command: what 'ipfw test -f
 * FILE' asks.
 *
 * Place      kipfw's main, when it is called by the name of ipfw: ipfw itself
 *            has no engine and becomes kipfw when it needs one.
 * Same       engine, control requests and commands are those of 'kipfw -f
 *            FILE'; there is no second way to read rules or to ask them.
 */
#pragma once

#include "cli/cli.h"

extern const struct cli_offline offline_ops;
