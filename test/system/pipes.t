#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# dummynet as its user meets it: configure, list, refuse, delete; packets
# through pipes and queues over VALE, with their delay and their loss.
. "$(dirname "$0")/begin.sh"
cd "$dir" || exit 1

ipfw() {
	timeout $PATIENCE "$bin/ipfw" "$@"
}

# shows TEXT ARG...: the command prints exactly this.
shows() {
	local want=$1
	shift
	printf '%s' "$want" >"$dir/want"
	ipfw "$@" >"$dir/out" 2>&1
	cmp -s "$dir/want" "$dir/out"
}

# refuses CODE TEXT ARG...
refuses() {
	local code=$1 text=$2 rc=0
	shift 2
	echo "exit $code, $text" >"$dir/want"
	ipfw "$@" >"$dir/out" 2>&1 || rc=$?
	[ $rc = "$code" ] && grep -qF -- "$text" "$dir/out"
}

all() {
	while [ $# -gt 0 ]; do
		eval "ipfw $1" >"$dir/out" 2>&1 || return 1
		shift
	done
}

# A port that is free; somebody else may have the first one.
for _ in 1 2 3 4 5; do
	"$bin/kipfw" "vale$$a:f" "vale$$b:f" >"$dir/daemon" 2>&1 &
	kipfw=$!
	await has_said "$dir/daemon" 'control on' $kipfw
	grep -q 'control on' "$dir/daemon" && break
	IPFW_PORT=$(free_port)
done
grep -q 'control on' "$dir/daemon" || {
	echo "Bail out! kipfw did not start: $(cat "$dir/daemon")"
	exit 1
}

# ---- configuration and listings ----
ok 'pipes, queues and a scheduler are configured' all \
	'pipe 1 config bw 10Mbit/s delay 20 burst 10000 plr 0.1 queue 30 mask dst-ip 0x000000ff' \
	'pipe 2 config delay 5' \
	'queue 8 config pipe 5 weight 200' \
	'sched 5 config type wf2q+' \
	'pipe 5 config bw 1Mbit/s'

ok 'pipe show' shows '00001:  10.000 Mbit/s   20 ms burst 10000 
q131073  30 sl.plr 0.100000 0 flows (1 buckets) sched 65537 weight 0 lmax 0 pri 0 droptail
 sched 65537 type FIFO flags 0x1 64 buckets 0 active
    mask:  0x00 0x00000000/0x0000 -> 0x000000ff/0x0000
00002: unlimited         5 ms burst 0 
q131074  50 sl. 0 flows (1 buckets) sched 65538 weight 0 lmax 0 pri 0 droptail
 sched 65538 type FIFO flags 0x0 0 buckets 0 active
00005:   1.000 Mbit/s    0 ms burst 0 
q131077  50 sl. 0 flows (1 buckets) sched 65541 weight 0 lmax 0 pri 0 droptail
 sched 65541 type FIFO flags 0x0 0 buckets 0 active
' pipe show

ok 'sched show of one' shows '00005:   1.000 Mbit/s    0 ms burst 0 
 sched 5 type WF2Q+ flags 0x0 0 buckets 0 active
   Children flowsets: 8 
' sched 5 show

ok 'queue show: the weight is clamped' shows \
	'q00008  50 sl. 0 flows (1 buckets) sched 5 weight 100 lmax 0 pri 0 droptail
' queue show

ok 'a new config replaces all' all 'pipe 1 config'
ok 'pipe show 1' shows '00001: unlimited         0 ms burst 0 
q131073  50 sl. 0 flows (1 buckets) sched 65537 weight 0 lmax 0 pri 0 droptail
 sched 65537 type FIFO flags 0x0 0 buckets 0 active
' pipe show 1

ok 'what no other ipfw has' all \
	'pipe 3 config bw 40Gbit/s delay 1500us jitter 200us normal reordering duplicate 1% memory 1M plr 0.01,0.02,0.5,0.3'
ok 'its listing' shows '00003:  40.000 Gbit/s 1.5 ms burst 0 
	 jitter 200us normal reordering duplicate 0.01 memory 1048576
q131075  50 sl.plr 0.010000,0.020000,0.500000,0.300000 0 flows (1 buckets) sched 65539 weight 0 lmax 0 pri 0 droptail
 sched 65539 type FIFO flags 0x0 0 buckets 0 active
	warning: rate x delay is 7500000 bytes, more than the queue holds
	warning: rate x delay may take 19200000 bytes of memory, more than there is
' pipe 3 show

ok 'queue management' all \
	'pipe 4 config bw 10Mbit/s codel target 7ms ecn' \
	'queue 1 config sched 4 pie alpha 0.25 noderand' \
	'queue 2 config sched 4 gred 0.002/5/20/0.1' \
	'pipe 6 config bw 1Gbit/s' \
	'sched 6 config type fq_codel quantum 300 flows 16'
ok 'codel is shown' shows '00004:  10.000 Mbit/s    0 ms burst 0 
q131076  50 sl. 0 flows (1 buckets) sched 65540 weight 0 lmax 0 pri 0 
 AQM CoDel target 7ms interval 100ms ECN
 sched 65540 type FIFO flags 0x0 0 buckets 0 active
' pipe 4 show
ok 'pie and gred are shown' shows 'q00001  50 sl. 0 flows (1 buckets) sched 4 weight 1 lmax 0 pri 0 
 AQM type PIE target 15ms tupdate 15ms alpha 0.25 beta 1.25 max_burst 150ms max_ecnth 0.1 NoECN CapDrop DRE NoDerand
q00002  50 sl. 0 flows (1 buckets) sched 4 weight 1 lmax 0 pri 0 
	 GRED w_q 0.001999 min_th 5 max_th 20 max_p 0.099991
' queue show 1 2
for type in rr qfq prio fifo fq_pie; do
	ok "type $type" all "sched 6 config type $type"
done

# ---- refusals: nothing changes ----
ipfw pipe show >"$dir/before" 2>&1
ok 'no number' refuses 64 'need a pipe/flowset/sched number' pipe config bw 1
ok 'number 65536' refuses 64 '1 to 65535' pipe 65536 config
ok 'nonsense bandwidth' refuses 65 'word 5 "1XX": bit/s' pipe 9 config bw 1XX
ok 'too fast' refuses 65 'word 5 "401Gbit/s": is more than 400 Gbit/s' pipe 9 config bw 401Gbit/s
ok 'overflow' refuses 65 'too big' pipe 9 config bw 99999999999999999999
ok 'negative delay' refuses 65 'negative' pipe 9 config delay -5
ok 'two hours' refuses 65 'hour' pipe 9 config delay 7200s
ok 'bw of a queue' refuses 64 'only for links' queue 9 config bw 1M
ok 'a mistyped parameter' refuses 65 'did you mean "delay"' \
	pipe 9 config dely 5
ok 'a value is missing' refuses 64 'expected after it' pipe 9 config delay
ok 'an unknown type' refuses 65 'word 5 "qfp"' sched 9 config type qfp
ok 'with a hint' refuses 65 'did you mean "qfq"' sched 9 config type qfp
ok 'thresholds in the wrong order' refuses 65 'min_th 20' \
	queue 9 config red 0.1/20/5/0.1
ok 'a profile that is not there' refuses 66 'No such file' \
	pipe 9 config profile none
printf 'samples 10\ndelay prob\n1 0.5\nx 1\n' >"$dir/bad"
ok 'a bad line in a profile' refuses 65 'bad, line 4' \
	pipe 9 config profile bad
printf '5\n3\n' >"$dir/bad"
ok 'a trace that goes back' refuses 65 'line 2: 3 is before' \
	pipe 9 config trace bad
ok 'delete what is not there' refuses 69 'pipe 99 does not exist' \
	pipe 99 delete
ok 'nothing has changed' shows "$(cat "$dir/before")
" pipe show

ok 'fewer slots are allowed' all \
	'sysctl net.inet.ip.dummynet.pipe_slot_limit=100' \
	'pipe 9 config queue 100'
ok 'more are refused' refuses 69 'at most 100' pipe 9 config queue 101
ok 'as many as ever again' all \
	'sysctl net.inet.ip.dummynet.pipe_slot_limit=16777216' \
	'pipe 9 config queue 101'
ok 'counts' sh -c "'$bin/ipfw' sysctl net.inet.ip.dummynet.fsk_count | grep -q ': [1-9]'"
ok 'values with names' eval \
	'all "sysctl net.inet.ip.fw.match=linear"; \
	ipfw sysctl net.inet.ip.fw.match >"$dir/out"; \
	grep -q "match: linear" "$dir/out" && \
	all "sysctl net.inet.ip.fw.match=index"'

# ---- files ----
printf 'name wifi\nsamples 4\nloss-level 0.75\nprob delay\n0 0\n1 8\n' \
	>"$dir/wifi"
ok 'a profile' all "pipe 9 config bw 1Mbit/s profile wifi"
ok 'its listing' shows '00009:   1.000 Mbit/s    0 ms burst 0 
	 profile: name "wifi" loss 0.750000 samples 4
q131081  50 sl. 0 flows (1 buckets) sched 65545 weight 0 lmax 0 pri 0 droptail
 sched 65545 type FIFO flags 0x0 0 buckets 0 active
' pipe 9 show
seq 1 10000 >"$dir/lte"
ok 'a trace of 10,000 times' all "pipe 9 config trace lte"
ok 'its listing' sh -c "'$bin/ipfw' pipe 9 show | grep -q 'trace lte (10000 times)'"

# ---- packets ----
"$bin/pkt-gen" -i "vale$$b:p" -f pong >/dev/null 2>&1 &
await eval '"$bin/vale-ctl" | grep -q "vale$$b:p "'
ping() {
	timeout $PATIENCE "$bin/pkt-gen" -i "vale$$a:p" -f ping --json "$@" \
		>"$dir/out" 2>&1
}
rtt_min() {
	sed -n 's/.*"rtt_ns":{"min":\([0-9]*\).*/\1/p' "$dir/out"
}
delayed() {
	ping -n 10 && [ "$(rtt_min)" -ge "$1" ]
}
ok 'packets take the delay there and back' eval \
	'all "-f pipe flush" "pipe 1 config delay 30" \
	"add 100 pipe 1 ip from any to any"; delayed 60000000'
denied() {
	ipfw show >"$dir/out"
	grep -q "^00200 *$1 " "$dir/out"
}
ok 'one_pass 0: the rules after follow' eval \
	'all "disable one_pass" "add 200 deny ip from any to any"; \
	ping -n 3 -w 0; await denied 3'
ok 'the pipe counts' eval \
	'ipfw -v pipe 1 show >"$dir/out"; grep -q "in 23 pkts" "$dir/out"'
ok 'a pipe that is not there drops' eval \
	'all "enable one_pass" "delete 200" "pipe 1 delete"; ! ping -n 2 || \
	grep -q "received\":0" "$dir/out"'

echo "1..$n"
