#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The manual pages: clean, and with every word that the programs know.
# Prints TAP.
cd "$(dirname "$0")/../.." || exit 1
n=0

# report NAME FINDINGS: one line of TAP, "ok" without findings.
report() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "$2" | sed 's/^/# /'
	fi
}

# The pages of this project and of others may be installed or not.
lint() { mandoc -Tlint "$1" 2>&1 | grep -v 'referenced manual not found\|mandoc.db'; }

# table FILE ARRAY: the names that begin the rows of a table, one a line.
table() {
	sed -n "/[ *]$2\[\] = {/,/^\(    \)\?.*};/p" "$1" | grep -o '{"[^"]*"' |
	    tr -d '{"' | tr ' ' '\n' | grep . | sort -u
}

# text PAGE...: as it is read, without the backspaces of bold type.
text() { mandoc -Tascii "$@" | sed 's/.\x08//g'; }

# missing PAGE: those of the words on the input that the page does not have.
missing() {
	all=$(text "$1" | tr -cs 'A-Za-z0-9/_-' '\n')
	while read -r word; do
		grep -qxF -- "$word" <<<"$all" || echo "no '$word' in $1"
	done
}

for page in man/*.8; do
	report "$page is clean" "$(lint "$page")"
done
# has PAGE FILE ARRAY...: a line of TAP for each table.
has() {
	page=$1 file=$2
	shift 2
	for array; do
		names=$(table "$file" "$array")
		report "$page has ${array//_/ } of $file" "$(
			[ -n "$names" ] || echo "no table $array in $file"
			missing "man/$page" <<<"$names")"
	done
}

has ipfw.8 src/cli/option.c options
has ipfw.8 src/cli/action.c actions modifiers
has ipfw.8 src/cli/cli.c commands
has ipfw.8 src/cli/cmd_switch.c switches
has ipfw.8 src/cli/cmd_internal.c rows
has ipfw.8 src/cli/cmd_table.c subs
has ipfw.8 src/cli/cmd_test.c options
has ipfw.8 src/cli/frame_field.c fields
has ipfw.8 src/cli/tabentry.c names_table_type names_flow_field names_value_type
has ipfw.8 src/cli/pipe_config.c params
has ipfw.8 src/cli/pipe_extra.c extra_params
has ipfw.8 src/cli/pipe_mask.c fields
report "ipfw.8 has every flag" "$(sed -n "s/^    {'\(.\)', CLI_.*/-\1/p" \
    src/cli/cli.c | missing man/ipfw.8)"
report "pkt-gen.8 has every option" "$(sed -n \
    "s/^    {'\(.\)', .*/-\1/p; s/^    {OPT_[A-Z]*, \"\([a-z-]*\)\".*/--\1/p" \
    src/tools/gen_cfg.c | missing man/pkt-gen.8)"
report "vale-ctl.8 has every option" "$(sed -n \
    's/^	case .\([a-zA-Z]\).:$/-\1/p' src/tools/vale-ctl.c |
    missing man/vale-ctl.8)"
report "kipfw.8 has every option" "$(sed -n \
    's/^    {[^,]*, "\([a-z-]*\)", .*/--\1/p' src/daemon/options.c |
    missing man/kipfw.8)"
both=$(text man/kipfw.8 man/ipfw.8)
report "kipfw.8 or ipfw.8 has every sysctl" "$(sed -n \
    's/^KNOB[A-Z_]*([^"]*"\([^"]*\)".*/\1/p' src/engine/knobs.def |
    sed 's/.*\.//' | while read -r knob; do
	grep -qwF "$knob" <<<"$both" || echo "no '$knob'"
    done)"
echo "1..$n"
