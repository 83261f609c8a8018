#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# netmap programs over libnetmap-user.so: two that know nothing of us and check
# the whole API, and our own as programs of netmap's.  Prints TAP.
cd "$(dirname "$0")/../.." || exit 1
. test/system/lib.sh
bin=${KIPFW_BIN:-./bin}
run=$bin/netmap-run
dir=$(mktemp -d) || exit 1
KIPFW_SHM=$dir/shm
IPFW_PORT=$(free_port)
export KIPFW_SHM IPFW_PORT
mkdir -m 700 "$KIPFW_SHM"
n=0
pids=

cleanup() {
	for p in $pids; do
		kill -TERM "$p" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT

check() { # name, command...
	name=$1
	shift
	n=$((n + 1))
	if "$@" >"$dir/out" 2>&1; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$dir/out"
		echo "not ok $n - $name"
	fi
}

background() { # file, command...
	f=$1
	shift
	"$@" >"$f" 2>&1 </dev/null &
	pids="$pids $!"
}

foreign() {
	timeout 300 "$run" "build/release/test/foreign/$1"
}

# A program that has no business with netmap: the same octets with and without.
unrelated() {
	head -c 300000 /dev/urandom >"$dir/a"
	"$run" sh -c 'cat "$1" | (cat; cat /dev/null) | dd bs=4k 2>/dev/null' \
	    sh "$dir/a" >"$dir/b" && cmp "$dir/a" "$dir/b" &&
	    "$run" python3 -c 'import select, socket, os
a, b = socket.socketpair()
p = select.poll(); p.register(a); e = select.epoll(); e.register(b)
b.send(b"x"); assert (a.fileno(), 5) in p.poll(0)
assert e.poll(0) == [(b.fileno(), 4)]
assert select.select([a], [], [], 0)[0] == [a]
os.close(os.dup(a.fileno()))'
}

# pkt-gen and kipfw speak to /dev/netmap, which is ours; the receiver does not.
chain() {
	background "$dir/kipfw" timeout 300 "$run" "$bin/kipfw" \
	    valeA:f valeB:f
	await has_said "$dir/kipfw" "control on" $!
	background "$dir/rx" timeout 300 "$bin/pkt-gen" -T 0 -i valeB:r -f rx \
	    -n 200000
	rx=$!
	await has_said "$dir/rx" threads $rx
	feed $rx timeout 300 "$run" "$bin/pkt-gen" -T 0 -i valeA:s -f tx \
	    -n 200000 -d 10.1.0.1 -D 02:00:00:00:00:02 && wait "$rx" || {
		cat "$dir/kipfw" "$dir/rx"
		"$bin/vale-ctl" -l
		return 1
	}
	grep -h Received "$dir/rx"
	"$bin/ipfw" -a list | awk '$1 == 65535 && $2 >= 200000 { ok = 1 }
		END { exit !ok }'
}

# Forced to be ours although a device is there.
forced() {
	KIPFW_VALE=user timeout $PATIENCE "$run" "$bin/pkt-gen" -T 0 -i valeC:s \
	    -f tx -n 1000 &&
	    timeout $PATIENCE "$bin/vale-ctl" >/dev/null &&
	    ! KIPFW_VALE=kernel timeout $PATIENCE "$bin/pkt-gen" -T 0 -i valeC:s \
		-f tx -n 1
}

if [ -e /dev/netmap ]; then
	echo "# /dev/netmap is there: its module is not what is tested here"
fi
echo 1..7
check "every request, preloaded" foreign test_nmapi
check "rings, poll and several users, preloaded" foreign test_nmapi_io
check "several processes at one port, preloaded" foreign test_nmapi_many
check "positions outside the rings, preloaded" foreign test_nmapi_loop
check "an unrelated program is as before" unrelated
check "kipfw and pkt-gen as programs of netmap's" chain
check "KIPFW_VALE says whose switch it is" forced
