#!/bin/sh
# The demo's arithmetic: every packet is accounted for, three times in a row.
cd "$(dirname "$0")/../.." || exit 1
echo "1..3"
for n in 1 2 3; do
	if out=$(timeout 300 dist/demo 2 2>&1); then
		echo "ok $n - $(echo "$out" | tail -n 1)"
	else
		echo "$out" | sed 's/^/# /'
		echo "not ok $n - demo"
	fi
done
