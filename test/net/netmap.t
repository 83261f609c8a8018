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
# Nobody may look into the folder of this clone, perhaps.
mkdir -m 777 "$dir/all"
mkdir "$dir/bin"
cp "$bin/netmap-run" "$bin/netmap-nic" "$bin/pkt-gen" \
    "$bin/libnetmap-user.so" "$dir/bin"
chmod 711 "$dir"
NETMAP_VERBOSE=1 "$dir/bin/netmap-run" setpriv --reuid 65534 --bounding-set -all \
    env KIPFW_SHM="$dir/all/shm" "$dir/bin/pkt-gen" -i netmap:na -f rx \
    >"$dir/err" 2>&1
ok "who has no right to is told so" "$dir/err" \
    grep -qi 'not permitted\|no right' "$dir/err"

# An interface by the API of netmap's module: what a neighbour's stack left to a
# card is finished.  The library is the module, and nb a port with the name of an
# interface; the frame has the sum of the pseudo-header where its checksum goes.
cat >"$dir/frame.py" <<'END'
import struct, sys
sys.path.insert(0, sys.argv[1])
import frames
udp = struct.pack('>HHH', 4000, 9, 22) + b'\0\0' + b'unfinished....'
addresses = struct.pack('>IIHH', 0x0a090001, 0x0a090002, 17, 22)
partial = frames.checksum(addresses) ^ 0xffff
whole = frames.checksum(addresses + udp)
def frame(sum):
    return frames.ip4(17, udp[:6] + struct.pack('>H', sum) + udp[8:])
if sys.argv[2] == 'make':
    with open(sys.argv[3], 'wb') as f:
        f.write(struct.pack('=IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        f.write(struct.pack('=IIII', 0, 0, len(frame(0)), len(frame(0))))
        f.write(frame(partial))
else:
    with open(sys.argv[3], 'rb') as f:
        sys.exit(not f.read().endswith(frame(whole)))
END
lib=$(dirname "$0")
python3 "$dir/frame.py" "$lib" make "$dir/in.pcap"
"$bin/vale-ctl" -n nb && "$bin/vale-ctl" -a valeP:nb
"$bin/netmap-run" "$bin/kipfw" netmap:nb "pcap:out=$dir/out.pcap" \
    >"$dir/kipfw" 2>&1 &
kipfw=$!
i=0
while ! grep -qs 'control on' "$dir/kipfw" && [ $((i += 1)) -lt 400 ]; do
	sleep 0.05
done
"$bin/kipfw" -p 5599 "pcap:in=$dir/in.pcap" valeP:x >"$dir/sent" 2>&1 &
sender=$!
i=0
while ! "$bin/ipfw" show 2>/dev/null | grep -q '^65535  *1 ' && [ $((i += 1)) -lt 400 ]; do
	sleep 0.05
done
kill $kipfw $sender
wait $kipfw
ok "an unfinished checksum is finished" "$dir/kipfw" \
    python3 "$dir/frame.py" "$lib" check "$dir/out.pcap"
ok "who leaves segments and tags is told" "$dir/kipfw" \
    grep -q 'ethtool -K PEER tso off gso off txvlan off' "$dir/kipfw"
echo "1..$n"
