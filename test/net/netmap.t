#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A program of netmap's API on interfaces of the host: netmap-run -i.
if [ "${1:-}" != inside ]; then
	dir=$(mktemp -d)
	KIPFW_SHM=$(mktemp -d "${TEST_SHM:-/dev/shm}/kipfw-test.XXXXXX")
	export dir KIPFW_SHM
	trap 'rm -rf "$dir" "$KIPFW_SHM"' EXIT
	trap 'kill "$!"; wait; exit 1' TERM INT
	timeout 300 unshare -n -p -f --kill-child --mount-proc "$0" inside &
	wait $!
	exit $?
fi
bin=${KIPFW_BIN:-$(dirname "$0")/../../bin}
n=0
ok() { # WHAT FILE COMMAND ...
	n=$((n + 1))
	what=$1 file=$2
	shift 2
	if "$@"; then echo "ok $n - $what"; else
		echo "not ok $n - $what"
		sed 's/^/# /' "$file"
	fi
}
ip link set lo up
ip link add na type veth peer name nb
ip link set na up
ip link set nb up

# The receiver ends by itself once it has enough; how long it takes to start,
# and what a burst loses meanwhile, is nobody's promise.
"$bin/netmap-run" -i na "$bin/pkt-gen" -i netmap:na -f rx -W -n 5000 \
    >"$dir/rx" 2>&1 &
rx=$!
for round in 1 2 3 4 5 6 7 8 9 10; do
	"$bin/netmap-run" -i nb "$bin/pkt-gen" -i netmap:nb -f tx \
	    -n 20000 -R 50000 >"$dir/tx" 2>&1
	sent=$?
	kill -0 $rx 2>/dev/null && [ $sent -eq 0 ] || break
done
ok "a program sends by an interface" "$dir/tx" [ $sent -eq 0 ]
kill -INT $rx 2>/dev/null
wait $rx
got=$(sed -n 's/.*[Rr]eceived \([0-9]*\) packets.*/\1/p' "$dir/rx" | tail -n 1)
ok "another receives (${got:-nothing} of 5000)" "$dir/rx" \
    [ "${got:-0}" -ge 5000 ]
"$bin/vale-ctl" -l >"$dir/list"
ok "nothing of it stays" "$dir/list" \
    sh -c "! grep -q valerun '$dir/list' && ! ip link show na | grep -q xdp"
"$bin/netmap-run" -i nothere true 2>"$dir/err"
ok "an interface that is not there is named" "$dir/err" \
    grep -q 'nothere: .*there is none of that name' "$dir/err"
"$bin/netmap-run" -i na sh -c 'exit 3' 2>"$dir/err"
ok "the status is the program's" "$dir/err" [ $? -eq 3 ]
echo "1..$n"
