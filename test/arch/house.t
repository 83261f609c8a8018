#!/bin/sh
# House rules that a script can see.
cd "$(dirname "$0")/../.." || exit 1
echo "1..6"

check() { # number, name, findings
	if [ -z "$3" ]; then
		echo "ok $1 - $2"
	else
		echo "$3" | sed 's/^/# /'
		echo "not ok $1 - $2"
	fi
}

code=$(find src include test bench fuzz -name '*.[ch]' -o -name '*.def')
# shellcheck disable=SC2086
{
check 1 "every file names its licence" \
    "$(for f in $code; do
	head -n 1 "$f" | grep -q SPDX-License-Identifier || echo "$f"; done)"
check 2 "no file over 1,000 lines" \
    "$(wc -l $code | awk '$1 > 1000 && $2 != "total"')"
check 3 "no left-overs" \
    "$(grep -nE '\b(TODO|FIXME|XXX)\b|^#if 0' $code)"
check 4 "every test runs: each unit test is a program" \
    "$(for f in test/unit/test_*.c; do
	grep -q '^main(' "$f" || echo "$f"; done)"
check 5 "own header first" \
    "$(for f in src/*/*.c; do
	h=${f%.c}.h
	[ -e "$h" ] || continue
	i=$(grep -m1 '^#include' "$f")
	[ "$i" = "#include \"${h#src/}\"" ] || echo "$f: $i"; done)"
check 6 "every test can be run" \
    "$(find test -name '*.t' ! -perm -u+x)"
}
