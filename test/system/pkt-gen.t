#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pkt-gen end to end: real processes on a switch of their own, in a shared
# memory folder of their own.  Prints TAP.  Every program runs under timeout.

. "$(dirname "$0")/lib.sh"
bin=${KIPFW_BIN:-./bin}
dir=$(mktemp -d) || exit 1
KIPFW_SHM=$dir/shm
export KIPFW_SHM
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

# check NAME COMMAND...: one line of TAP from the command's exit status.
check() {
	name=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# failed: $*"
		sed 's/^/# /' "$dir"/*.out "$dir"/*.err 2>/dev/null
	fi
}

# start TAG OPTION...: pkt-gen in the background; ready when it says so.
start() {
	tag=$1
	shift
	# The last one's words must not be taken for this one's.
	rm -f "$dir/$tag.out" "$dir/$tag.err"
	timeout 300 "$bin/pkt-gen" --json -T 0 "$@" \
	    >"$dir/$tag.out" 2>"$dir/$tag.err" &
	pid=$!
	pids="$pids $pid"
	await has_said "$dir/$tag.err" threads $pid
}

# run TAG OPTION...: pkt-gen in the foreground; its status in $status.
run() {
	tag=$1
	shift
	timeout 300 "$bin/pkt-gen" --json -T 0 "$@" \
	    >"$dir/$tag.out" 2>"$dir/$tag.err"
	status=$?
}

# finish PID: waits for it; its status in $status.
finish() {
	wait "$1"
	status=$?
}

# field TAG NAME: a number out of the JSON line.
field() {
	sed -n "s/.*\"$2\":\\([0-9.]*\\).*/\\1/p" "$dir/$1.out"
}

# column PORT N: of vale-ctl's line about a port, while it is there.
column() {
	timeout $PATIENCE "$bin/vale-ctl" |
	    awk -v port="$1" -v n="$2" '$1 == port { print $n }'
}

# dropped: what the switch could not put in the rings of valeT:rx, which a
# machine under load may cause.  To be asked while rx lives.
dropped() {
	column valeT:rx 9
}

# stop PID SIGNAL: it ends by a signal; its status in $status.
stop() {
	kill -"$2" "$1"
	finish "$1"
}

# at_least A B: A >= B, with fractions.
at_least() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'
}

# octets N...: these octets.
octets() {
	for o in "$@"; do
		# shellcheck disable=SC2059
		printf "\\$(printf %03o "$o")"
	done
}

says() {
	grep -qF -- "$2" "$dir/$1.err"
}

echo "1..30"

# ---- the command line ----
out=$(timeout $PATIENCE "$bin/pkt-gen" --version)
check "--version" [ "${out#pkt-gen [0-9]}" != "$out" ]
check "--help" sh -c "timeout $PATIENCE $bin/pkt-gen --help | grep -q '^usage: pkt-gen'"
run bad -i valeT:1 -l 12
check "a bad size ends with EX_USAGE" [ $status -eq 64 ]
check "a bad size is named" says bad \
    "pkt-gen: -l 12: must be a number from 60 to"
run bad -i valeT:1 -f tx -l 60000
check "a frame beyond one buffer is refused" says bad "pkt-gen: -l 60000: buffers of"
run bad -i valeT -f tx
check "a bad port name is refused" [ $status -eq 64 ]
run bad -i nowhere -f tx
check "so is one that is not there" says bad "nowhere: no such port"

# ---- tx to rx: what was sent has arrived ----
start rx -i valeT:rx -f rx -C 4096
rx=$pid
run second -i valeT:rx -f rx
check "a port has one user" [ $status -eq 69 ]
run tx -i valeT:tx -f tx -n 100000 -R 200K
lost=$(dropped)
check "tx ends well" [ $status -eq 0 ]
stop $rx INT
check "rx ends well" [ $status -eq 0 ]
check "100000 were sent" [ "$(field tx packets)" = 100000 ]
check "all were received, or dropped and counted ($lost)" \
    [ $(($(field rx packets) + lost)) -eq 100000 ]
check "all octets were received" \
    [ $(($(field rx bytes) + 60 * lost)) -eq 6000000 ]
check "nothing is pending" [ "$(field tx pending)" = 0 ]
check "the rate was not exceeded" at_least "$(field tx seconds)" 0.49

# ---- many flows, IPv6, random sizes ----
start rx -i valeT:rx -f rx -n 3000 -C 4096
rx=$pid
run tx -i valeT:tx -f tx -n 3000 -R 30K -l 1514 -l 100 \
    -s '[fd00::1]:1000-[fd00::9]:2000' -d fd00:1::1-fd00:1::ff \
    -S 02:00:00:00:00:01-02:00:00:00:00:10
finish $rx
check "every flow was received" [ "$(field rx packets)" = 3000 ]
check "random sizes: the octets agree" \
    [ "$(field rx bytes)" = "$(field tx bytes)" ]

start rx -i valeT:rx -f rx -n 1000
rx=$pid
start tx -i valeT:tx -f tx
tx=$pid
finish $rx
stop $tx INT
check "rx -n takes exactly that many and ends" \
    [ "$(field rx packets)" = 1000 ]

start rx -i valeT:rx -f rx -W
rx=$pid
run tx -i valeT:tx -f tx -n 5
finish $rx
check "rx -W ends after a second of silence" \
    [ "$status/$(field rx packets)" = 0/5 ]

# ---- a capture file ----
{
	octets 212 195 178 161 2 0 4 0 0 0 0 0 0 0 0 0 255 255 0 0 1 0 0 0
	for len in 20 30; do
		octets 0 0 0 0 0 0 0 0 $len 0 0 0 $len 0 0 0
		octets 255 255 255 255 255 255 2 0 0 0 0 1 8 6
		i=14
		while [ $i -lt $len ]; do
			octets $i
			i=$((i + 1))
		done
	done
} >"$dir/two.pcap"
start rx -i valeT:rx -f rx -n 5
rx=$pid
run tx -i valeT:tx -f tx -n 5 -P "$dir/two.pcap"
finish $rx
check "-P sends the file over and over" [ "$(field rx bytes)" = 120 ]
run tx -i valeT:tx -f tx -P "$dir/none.pcap"
check "a file that is not there is EX_NOINPUT" [ $status -eq 66 ]

# ---- ping and pong ----
start pong -i valeT:pong -f pong
pong=$pid
run ping -i valeT:ping -f ping -n 200 -R 2000
check "ping ends well" [ $status -eq 0 ]
check "every request was answered" [ "$(field ping replies)" = 200 ]
check "a round trip took some time" at_least "$(field ping p50)" 1
run ping -i valeT:ping -f ping -n 200 -6 -b 10
check "IPv6, ten at a time" [ "$(field ping replies)" = 200 ]
stop $pong INT
check "pong counted its answers" [ "$(field pong packets)" = 400 ]

# ---- signals ----
start rx -i valeT:rx -f rx
rx=$pid
sleep 0.2
stop $rx INT
check "SIGINT ends rx well, with a summary" \
    [ "$status/$(field rx packets)" = 0/0 ]
start rx -i valeT:rx -f rx -C 4096
rx=$pid
start tx -i valeT:tx -f tx -R 100K
tx=$pid
await eval '[ "$(column valeT:tx 4)" -gt 0 ]'
stop $tx TERM
lost=$(dropped)
check "SIGTERM ends tx well, with a summary" \
    [ $status -eq 0 -a "$(field tx packets)" -gt 0 ]
stop $rx INT
check "counts agree after signals, with what was dropped ($lost)" \
    [ $(($(field rx packets) + lost)) -eq "$(field tx packets)" ]

# ---- nobody burns a core for nothing ----
start idle -i valeT:idle -f rx
worker=$(tr -d " " <"/proc/$pid/task/$pid/children")
used() { awk '{ print $14 + $15 }' "/proc/$worker/stat"; }
ticks=$(used) # starting is not idling
sleep 1.5
ticks=$(($(used) - ticks))
check "an idle rx sleeps (used $ticks ticks)" [ "$ticks" -le 5 ]
kill -INT "$pid"
wait "$pid"
