#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# netmap pipes as kipfw's ports, and vale-ctl's commands.  Prints TAP.
. "$(dirname "$0")/begin.sh"

# ctl CODE TEXT ARG...: vale-ctl ends with this code and says this somewhere.
ctl() {
	local code=$1 text=$2 rc=0
	shift 2
	timeout $PATIENCE "$bin/vale-ctl" "$@" >"$dir/out" 2>"$dir/err" || rc=$?
	[ $rc = "$code" ] && grep -q -- "$text" "$dir/out" "$dir/err"
}

# start ARG...: kipfw in the background, its process in $pid.
start() {
	"$bin/kipfw" "$@" >"$dir/out" 2>"$dir/err" &
	pid=$!
	await has_said "$dir/out" 'control on' $pid &&
	    grep -q 'control on' "$dir/out"
}

quietly() { timeout $PATIENCE "$bin/vale-ctl" "$@" >"$dir/out" 2>"$dir/err"; }
listed() { "$bin/vale-ctl" | grep -q -- "$1"; }

# gen FROM TO N: N packets from one port to another; all of them arrive.
gen() {
	timeout $PATIENCE "$bin/pkt-gen" -i "$2" -f rx -n "$3" -w 0 \
	    >"$dir/rx.log" 2>&1 &
	local rx=$!
	await listed "$2 " &&
	    feed $rx timeout $PATIENCE "$bin/pkt-gen" -i "$1" -f tx -n "$3" -w 0 \
		>"$dir/tx.log" 2>&1 && wait $rx
}

passed() { [ "$("$bin/ipfw" show 65535 | awk '{ print $2 }')" -ge "$1" ]; }

ok 'a pipe carries what is sent' gen 'foo{1' 'foo}1' 200000
ok 'kipfw between a pipe and a pipe' start 'valeA:x}1' 'bar{2'
ok 'it is known by its name' grep -q 'valeA:x}1' "$dir/out"
ok 'its ends are listed' listed 'valeA:x{1'
ok 'packets go through it' gen 'valeA:x{1' 'bar}2' 100000
ok 'and back' gen 'bar}2' 'valeA:x{1' 100000
ok 'past the rules' passed 200000
printf 'add 100 deny ip from any to any\n' | "$bin/ipfw" -q /dev/stdin
tx_only() {
	timeout $PATIENCE "$bin/pkt-gen" -i "$1" -f tx -n "$2" -w 0 \
	    >"$dir/tx.log" 2>&1
}
ok 'a rule stops them' tx_only 'valeA:x{1' 5000
denied() { [ "$("$bin/ipfw" show 100 | awk '{ print $2 }')" = 5000 ]; }
ok 'all of them' await denied
kill $pid && wait $pid

ok 'kipfw between a switch and a pipe' start valeB:f 'bar{3'
ok 'from the switch to the pipe' gen valeB:s 'bar}3' 100000
ok 'and back' gen 'bar}3' valeB:s 100000
"$bin/pkt-gen" -i 'bar}3/rt' -f rx -w 0 >"$dir/mon.log" 2>&1
ok 'a monitor of what is not open is refused' grep -q 'not open' "$dir/mon.log"
kill $pid && wait $pid
ok 'nothing is left of pipes' ctl 0 '^0 of' -l

ok 'a persistent port is made' ctl 0 'tx_slots:   512' -v -n v0 -C 512,1024,2
ok 'once' ctl 73 'there is one' -n v0
ok 'and put on a switch' ctl 0 'port_index' -v -a vale9:v0
ok 'only one' ctl 75 'attached as vale9:v0' -a vale8:v0
ok 'where it has a number' ctl 0 'bridge_idx: 0' -l vale9:v0
ok 'and a shape' ctl 0 'rx_rings:   2' -g vale9:v0
ok 'listed without a user' ctl 0 'vale9:v0 .*persistent'
ok 'not removed from there' ctl 75 'on a switch' -r v0
ok 'programs use it' gen vale9:v0 vale9:b 1000
ok 'and it is still there' ctl 0 'vale9:v0 .*persistent'
ok 'taken off' quietly -d vale9:v0
ok 'twice is once too often' ctl 66 'no such port' -d vale9:v0
ok 'removed' quietly -r v0
ok 'gone' ctl 66 'no such' -r v0
ok 'a real interface is for kipfw' ctl 65 'kipfw xdp:lo vale0:' -a vale0:lo
ok 'there is no host stack' ctl 69 'no host stack' -h vale0:lo
ok 'nothing polls' ctl 69 'nothing polls' -p vale0:lo -C 1,2
ok 'nor stops to' ctl 69 'nothing polls' -P vale0:lo
ok 'there is one memory' ctl 65 'one memory' -n v1 -m 2
ok 'a ring configuration is four numbers' ctl 65 'four numbers' -n v1 -C 1,2,3,4,5
ok 'of digits' ctl 65 'stray' -n v1 -C 256x
ok 'one command at a time' ctl 64 usage -n v1 -r v2
ok 'a configuration is for new ports' ctl 64 usage -C 256 -r v2
echo "1..$n"
