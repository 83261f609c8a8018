#!/bin/sh
# The pure core asks the operating system for nothing: no clock, socket, file,
# printf or thread among the symbols it wants.
cd "$(dirname "$0")/../.." || exit 1

allowed='^(mem(cpy|set|cmp|move|chr)|str(n?cmp|n?len|chr)|fnmatch|calloc|malloc|aligned_alloc
|msgring_put|realloc|free|qsort|abort|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|err_set|err_at
|__assert_fail|aligned_alloc|__cpu_model|__(mem|str)[a-z]*_chk)$'
allowed=$(echo "$allowed" | tr -d '\n')

core=
for d in packet table rule state nat pipe; do
	for o in build/release/src/"$d"/*.o; do
		[ -e "$o" ] && core="$core $o"
	done
done
[ -n "$core" ] || { echo "Bail out! no objects: run make"; exit 1; }

# shellcheck disable=SC2086
defined=$(nm --defined-only $core | awk 'NF == 3 { print $3 }' | sort -u)
# shellcheck disable=SC2086
wanted=$(nm -u $core | awk '$1 == "U" { print $2 }' | sort -u)
echo "1..1"
bad=$(echo "$wanted" | grep -vxF "$defined" | grep -vE "$allowed")
if [ -z "$bad" ]; then
	echo "ok 1 - the core is pure"
else
	echo "$bad" | sed 's/^/# wants /'
	echo "not ok 1 - the core is pure"
fi
