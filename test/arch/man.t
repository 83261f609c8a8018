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

# words FILE: the names that begin the rows of a table, one a line.
words() {
	sed -n 's/^    {"\([^"]*\)", [A-Z].*/\1/p' "$1" | tr ' ' '\n' | sort -u
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
report "ipfw.8 has every option of a rule" \
    "$(words src/cli/option.c | missing man/ipfw.8)"
report "ipfw.8 has every action" \
    "$(words src/cli/action.c | missing man/ipfw.8)"
report "ipfw.8 has every flag" "$(sed -n "s/^    {'\(.\)', CLI_.*/-\1/p" \
    src/cli/cli.c | missing man/ipfw.8)"
report "kipfw.8 has every option" "$(sed -n \
    's/^	{"\([a-z-]*\)", [a-z]*_argument.*/--\1/p' src/daemon/options.c |
    missing man/kipfw.8)"
report "kipfw.8 or ipfw.8 has every sysctl" "$(sed -n \
    's/^KNOB[A-Z_]*([^"]*"\([^"]*\)".*/\1/p' src/engine/knobs.def |
    sed 's/.*\.//' | while read -r knob; do
	text man/kipfw.8 man/ipfw.8 | grep -qwF "$knob" || echo "no '$knob'"
    done)"
echo "1..$n"
