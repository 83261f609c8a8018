#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every fuzz target runs through its corpus once, without a complaint of the
# sanitizers.  The targets are built by 'make fuzz-build'.

cd "$(dirname "$0")/../.." || exit 1
set -- build/fuzz/fuzz_*
n=0
for target; do
	case $target in *.d | *\*) continue ;; esac
	n=$((n + 1))
	name=${target##*/fuzz_}
	log=$(mktemp)
	if [ ! -d "fuzz/corpus/$name" ]; then
		echo "not ok $n - $name: has no corpus"
	elif "$target" -runs=0 -timeout=120 -rss_limit_mb=2048 \
	    -artifact_prefix=build/fuzz/ "fuzz/corpus/$name" \
	    >"$log" 2>&1; then
		echo "ok $n - $name: $(ls "fuzz/corpus/$name" | wc -l) files"
	else
		echo "not ok $n - $name"
		tail -40 "$log" | sed 's/^/# /'
	fi
	rm -f "$log"
done
if [ "$n" = 0 ]; then
	echo "Bail out! fuzz targets are not built: make fuzz-build"
	exit 1
else
	echo "1..$n"
fi
