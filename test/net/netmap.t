#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A program of netmap's API on interfaces of the host: netmap:IF.
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
run=$bin/netmap-run
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
# Until the command succeeds, at most a minute and more.
soon() {
	i=0
	until "$@"; do
		[ $i -lt 1200 ] || return 1
		i=$((i + 1))
		sleep 0.05
	done
}
feeds() { # how many processes stand behind an interface
	[ "$(pgrep -c -f "^[^ ]*netmap-nic $1 ")" -eq "$2" ]
}
is_free() {
	! ip link show "$1" | grep -q 'xdp\|PROMISC' && feeds "$1" 0
}
ip link set lo up
ip link add na numrxqueues 2 numtxqueues 2 type veth peer name nb
ip link set na up
ip link set nb up

# The receiver ends by itself once it has enough; how long it takes to start,
# and what a burst loses meanwhile, is nobody's promise.
"$run" "$bin/pkt-gen" -i netmap:na -f rx -n 5000 >"$dir/rx" 2>&1 &
rx=$!
for round in 1 2 3 4 5 6 7 8 9 10; do
	"$run" -i nb "$bin/pkt-gen" -i netmap:nb -f tx \
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
ok "nothing of it stays" "$dir/rx" soon is_free na
ok "nor at the other side" "$dir/tx" soon is_free nb

"$run" "$bin/pkt-gen" -i netmap:na -f rx >"$dir/rx" 2>&1 &
rx=$!
ok "an interface has a process behind it" "$dir/rx" soon feeds na 1
ok "and is taken" "$dir/rx" soon sh -c "ip link show na | grep -q xdp"
kill -9 $rx
wait $rx 2>/dev/null
ok "which goes when its program is killed" "$dir/rx" soon is_free na

"$run" -i nothere true 2>"$dir/err"
ok "an interface that is not there is named" "$dir/err" \
    grep -q 'nothere: .*there is none of that name' "$dir/err"
"$run" -i na sh -c 'exit 3' 2>"$dir/err"
ok "the status is the program's" "$dir/err" [ $? -eq 3 ]
mkdir -m 777 "$dir/all"
chmod 711 "$dir"
NETMAP_VERBOSE=1 "$run" setpriv --reuid 65534 --bounding-set -all \
    env KIPFW_SHM="$dir/all/shm" "$bin/pkt-gen" -i netmap:na -f rx \
    >"$dir/err" 2>&1
ok "who has no right to is told so" "$dir/err" \
    grep -qi 'not permitted\|no right' "$dir/err"
if [ -x "$(dirname "$0")/../../build/release/test/foreign/test_nmapi_nic" ]; then
	"$run" "$(dirname "$0")/../../build/release/test/foreign/test_nmapi_nic" na nb >"$dir/nic" 2>&1
	ok "rings of an interface" "$dir/nic" [ $? -eq 0 ]
fi
echo "1..$n"
