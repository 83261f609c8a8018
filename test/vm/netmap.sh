#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# In a machine with netmap's module (test/vm/boot -n): kipfw and pkt-gen on its
# switches, and on interfaces.
here=$(dirname "$0")
dir=$(mktemp -d)
n=0
bad=0
ok() { # WHAT FILE COMMAND ...
	n=$((n + 1))
	what=$1 file=$2
	shift 2
	if "$@"; then echo "ok $n - $what"; else
		echo "not ok $n - $what"
		sed 's/^/# /' "$file"
		bad=1
	fi
}
start_kipfw() { # PORT ...
	kipfw "$@" >"$dir/kipfw" 2>&1 &
	kipfw=$!
	i=0
	while ! grep -q 'control on' "$dir/kipfw" && [ $((i += 1)) -lt 200 ]; do
		sleep 0.1
	done
}
# The module's switch drops what a receiver has no room for: slowly, then.
pair() { # PACKETS
	timeout 60 pkt-gen -i valeB:d -f rx -n "$1" >"$dir/rx" 2>&1 &
	rx=$!
	sleep 3
	timeout 60 pkt-gen -i valeA:s -f tx -n "$1" -R 10000 >"$dir/tx" 2>&1
	wait $rx
}
modprobe veth
ok "the module is there" /dev/null [ -c /dev/netmap ]
start_kipfw valeA:f valeB:f
vale-ctl -l >"$dir/list"
ok "switches are the module's" "$dir/list" grep -q '^0 of' "$dir/list"
ok "20,000 packets through two of them" "$dir/kipfw" pair 20000
ipfw show >"$dir/show"
ok "kipfw counted them" "$dir/show" grep -q '^65535  *20000 ' "$dir/show"
ipfw -q pipe 1 config delay 20ms
ipfw -q add pipe 1 ip from any to any
timeout 60 pkt-gen -i valeB:d -f pong >/dev/null 2>&1 &
pong=$!
sleep 2
timeout 60 pkt-gen -i valeA:s -f ping -n 20 >"$dir/ping" 2>&1
ok "through a pipe, there and back" "$dir/ping" \
    grep -q 'received 20 replies' "$dir/ping"
kill $pong
kill -9 $kipfw
wait $kipfw 2>/dev/null
start_kipfw valeA:f valeB:f
ok "after kill -9" "$dir/kipfw" pair 1000
kill $kipfw
wait $kipfw
ip link set nmsink0 up
timeout 60 pkt-gen -i netmap:nmsink0 -f tx -n 1000000 >"$dir/tx" 2>&1
ok "a device of the module's" "$dir/tx" grep -q 'Sent 1000000 packets' "$dir/tx"
export KIPFW_VALE=user
start_kipfw valeA:f valeB:f
ok "KIPFW_VALE=user keeps to ours" "$dir/kipfw" pair 1000
kill $kipfw
wait $kipfw
unset KIPFW_VALE
python3 "$here/interfaces.py" netmap && exit $bad
