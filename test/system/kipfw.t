#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The daemon as its user starts it: usage, refusals, rules from a file, its
# end, the infinite source.  Prints TAP.
. "$(dirname "$0")/begin.sh"

# refuses CODE TEXT ARG...: kipfw ends with this code and says this.
refuses() {
	local code=$1 text=$2 rc=0
	shift 2
	timeout $PATIENCE "$bin/kipfw" "$@" >"$dir/out" 2>"$dir/err" || rc=$?
	[ $rc = "$code" ] && grep -q -- "$text" "$dir/err"
}

# without_nice COMMAND...: in a shell that may not have real-time priorities.
without_nice() {
	export -f refuses
	export bin dir PATIENCE
	if [ "$(id -u)" = 0 ]; then
		setpriv --bounding-set -sys_nice --inh-caps -sys_nice \
		    bash -c 'ulimit -r 0; "$@"' - "$@"
	else
		bash -c 'ulimit -r 0; "$@"' - "$@"
	fi
}

# start ARG...: kipfw in the background, its process in $pid.
start() {
	"$bin/kipfw" "$@" >"$dir/out" 2>"$dir/err" &
	pid=$!
	await has_said "$dir/out" 'control on' $pid &&
	    grep -q 'control on' "$dir/out"
}

# ends SIGNAL: cleanly, with totals.
ends() {
	kill -"$1" $pid && wait $pid && grep -q '^kipfw: received' "$dir/out"
}

packets() { "$bin/ipfw" show 65535 | awk '{ print $2 }'; }
nothing_left() { [ -z "$("$bin/vale-ctl" | grep '^vale')" ]; }
# Two looks with some time in between, in which a source that runs is heard of.
count_moves() {
	local a b
	a=$(packets)
	sleep 0.3
	b=$(packets)
	[ "$a" != "$b" ]
}
count_stands() { ! count_moves; }

cat >"$dir/good" <<'END'
# rules of the test
add 100 count ip from any to any // one
add 200 deny tcp from any to any 80
END
printf 'add 100 allow ip from any to any\nadd allow ip from nowhere\n' \
    >"$dir/bad"

ok 'one port is an error' refuses 64 'ports come in pairs' valeA:f
ok 'three ports are, too' refuses 64 'ports come in pairs' valeA:f valeB:f x
ok 'a port of no kind' refuses 69 "port 'eth0'" valeA:f eth0
ok 'a port without a name' refuses 69 'vale:' valeA:f vale:
ok 'the same port twice' refuses 69 'valeA:f: in use' valeA:f valeA:f
ok 'what was opened is closed' nothing_left
ok 'an unknown letter is named' refuses 64 "'-x'" -xyz
ok 'an unknown word is named' refuses 64 "'--no-such'" --no-such
ok 'an option without its value' refuses 64 "'--source' needs" --source
ok 'a number out of range' refuses 64 '1 to 256' --source 257
ok 'no such rules' refuses 65 'No such file' -f "$dir/none"
ok 'a bad rule starts nothing' refuses 65 'Line 2' -f "$dir/bad" valeA:f valeB:f
ok 'no such capture' refuses 69 'No such file' --source-packet "$dir/none"
ok 'a real-time priority out of range' refuses 64 '1 to 99' --realtime=100
ok 'no real time in virtual time' refuses 64 'virtual' --virtual --realtime \
    pcap:in=a sink:
ok 'processors that are no list' refuses 64 "'1,,2'" --cpus 1,,2
ok 'a range that falls' refuses 64 "'3-2'" --cpus 3-2
ok 'a processor that is not there' refuses 71 'processor 1023' --cpus 1023
ok 'real time without the right to it' without_nice refuses 71 CAP_SYS_NICE \
    --realtime
ok 'help' sh -c "'$bin/kipfw' --help | grep -q '^usage: kipfw'"
ok 'version' sh -c "'$bin/kipfw' --version | grep -q '^kipfw [0-9]'"

ok 'starts with rules' start --default deny -f "$dir/good" valeA:f valeB:f
"$bin/ipfw" list >"$dir/list"
printf '%s\n' '00100 count ip from any to any // one' \
    '00200 deny tcp from any to any 80' '65535 deny ip from any to any' \
    >"$dir/want"
ok 'the rules are there' cmp "$dir/list" "$dir/want"
ok 'a second one finds the port taken' refuses 69 'in use' valeC:f valeD:f
ok 'SIGTERM ends it with totals' ends TERM
ok 'its ports are gone' nothing_left

ok 'starts without ports' start
seq 4000 | sed 's/.*/add & count ip from any to any/' >"$dir/many"
"$bin/ipfw" -q "$dir/many"
ok 'rules one by one leave no heap behind' \
    awk '/^RssAnon/ { exit $2 > 50000 }' /proc/$pid/status
"$bin/ipfw" -q flush
"$bin/ipfw" -q add 10 count ip from any to any
exec 3<>/dev/tcp/127.0.0.1/$((IPFW_PORT + 1))
ok 'a connection alone starts nothing' test "$(packets)" = 0
printf x >&3
ok 'a byte starts the source' await count_moves
exec 3>&-
ok 'its end stops it' await count_stands
ok 'SIGINT ends it with totals' ends INT

# Urgent, where that may be; where not, it has said so above.
urgent=
chrt -f 10 true 2>/dev/null && urgent=--realtime
cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//')
ok 'starts on a processor' start $urgent --cpus "$cpu"
worker=$(ls /proc/$pid/task | sort -n | sed -n 2p)
on() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/task/$worker/status"; }
ok 'its worker stays there' test "$(on Cpus_allowed_list)" = "$cpu"
ok 'as urgent as it may be' eval \
    'chrt -p "$worker" | grep -q "priority: ${urgent:+1}0$"'
exec 3<>/dev/tcp/127.0.0.1/$((IPFW_PORT + 1))
printf x >&3
pauses() { # without work to wait for, an urgent thread sleeps all the same
	local from
	[ -n "$urgent" ] || return 0
	for _ in $(seq 100); do
		count_moves && break
	done
	from=$(on voluntary_ctxt_switches)
	for _ in $(seq 300); do
		[ "$(on voluntary_ctxt_switches)" -gt $((from + 200)) ] &&
		    return 0
		sleep 0.1
	done
	return 1
}
ok 'and lets others on' pauses
exec 3>&-
ok 'and ends' ends TERM
echo "1..$n"
