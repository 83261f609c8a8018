#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Capture files as ports, as a user meets them: in real time, to the end, with
# what goes wrong; and what virtual time refuses.
. "$(dirname "$0")/begin.sh"
visit=$(realpath examples/visit.pcapng) # 22 packets, 13 of them by interface 1
cd "$dir" || exit 1

# A control port that somebody else has is tried again with another one.
kipfw() {
	local rc
	for _ in 1 2 3 4 5; do
		timeout $PATIENCE "$bin/kipfw" "$@" >"$dir/said" 2>&1
		rc=$?
		grep -q 'Address already in use' "$dir/said" || break
		IPFW_PORT=$(free_port)
	done
	return $rc
}

# holds FILE N: tcpdump finds so many packets.
holds() {
	[ "$(tcpdump -nr "$1" 2>/dev/null | wc -l)" = "$2" ]
}

passes() {
	kipfw "pcap:in=$visit,speed=asap" pcap:out=all.pcapng &&
	    grep -q 'the captures are over' said && holds all.pcapng 22
}

both_ways() {
	kipfw -w 2 "pcap:in=$visit,iface=0,speed=20,out=a.pcap" \
	    "pcap:in=$visit,iface=1,speed=20,out=b.pcap.gz" \
	    "pcap:in=$visit,loop=3,speed=asap" pcap:out=c.pcapng &&
	    holds a.pcap 13 && gunzip b.pcap.gz && holds b.pcap 9 &&
	    holds c.pcapng 66
}

# What a pipe holds when the file is over still leaves.
waits_for_pipes() {
	echo 'pipe 1 config delay 400
	add pipe 1 ip from any to any' >rules
	kipfw -f rules "pcap:in=$visit,speed=asap" pcap:out=d.pcapng &&
	    holds d.pcapng 22
}

stays() {
	"$bin/kipfw" --stay "pcap:in=$visit,speed=asap" pcap:out=e.pcapng \
	    >said 2>&1 &
	pid=$!
	await holds e.pcapng 22 || return 1
	sleep 1 # it could end now
	kill -0 $pid || return 1
	kill $pid
	wait $pid && ! grep -q 'are over' said && holds e.pcapng 22
}

fails() { # CODE TEXT ARG...
	local code=$1 text=$2
	shift 2
	kipfw "$@"
	[ $? = "$code" ] && grep -qF -- "$text" said
}

tells_cut() {
	head -c 1500 "$visit" >cut.pcapng
	fails 74 'cut.pcapng: octet 1428: the file ends in the middle of a block' \
	    "$@" pcap:in=cut.pcapng pcap:out=f.pcapng && holds f.pcapng "$cut"
}

# Interrupted: what was written is whole, and verdicts tell what a pipe held.
interrupted() {
	echo 'pipe 1 config delay 60s
	add 1 pipe 1 ip from any to any' >rules
	"$bin/kipfw" --virtual -f rules --verdicts v.json \
	    "pcap:in=$visit,loop=1000000000" pcap:out=g.pcapng >said 2>&1 &
	pid=$!
	await test -s v.json # from now on the pipe always holds some
	kill $pid
	wait $pid && grep -q '"verdict":"held"' v.json &&
	    python3 -c 'import json
for line in open("v.json"):
    v = json.loads(line)
assert v["number"] > 22 and v["rule"] == 1 and v["pipe"] == 1
assert v["time"] > "1700000000.07" and v["port"] == "visit"'
}

# Commands at the end: all are run, and the first that fails tells how it went.
then_fails() {
	local rc=0
	# shellcheck disable=SC2086
	timeout $PATIENCE "$bin/kipfw" $2 --then 'show' --then 'show 7' \
	    --then 'shw' --then 'list 65535' "$1" sink: >said 2>errors || rc=$?
	[ $rc = 69 ] &&
	    [ "$(grep -c "^kipfw: --then '.*': failed, status" errors)" = 2 ] &&
	    grep -q "^kipfw: --then 'show 7': failed, status 69" errors &&
	    [ "$(grep -c '^65535 ' said)" = 2 ] && grep -q 'kipfw: received' said
}

ok 'all packets, as fast as may be, and the end' passes
ok 'two directions, two workers, faster, three times, gzip' both_ways
ok 'what pipes hold leaves before the end' waits_for_pipes
ok '--stay' stays
cut=12
ok 'a file that is cut' tells_cut
ok 'a file that is cut, in virtual time' tells_cut --virtual
for way in '' --virtual; do
	# shellcheck disable=SC2086
	ok "a full disk ${way:-in real time}" fails 74 \
	    '/dev/full: No space left on device' $way "pcap:in=$visit" \
	    pcap:out=/dev/full
done
ok 'verdicts on a full disk' fails 74 'No space left on device' --virtual \
    --verdicts /dev/full "pcap:in=$visit" sink:
ok 'a virtual journey is interrupted' interrupted
ok 'a port with a time of its own' fails 69 \
    "port 'valeA:f': with --virtual only pcap: and sink:" --virtual \
    "pcap:in=$visit" valeA:f
ok 'asap in virtual time' fails 69 'needs the stamps' --virtual \
    "pcap:in=$visit,speed=asap" sink:
ok 'no ports' fails 64 '--virtual needs pcap: ports' --virtual
ok 'divert' fails 64 'take real time' --virtual --divert x \
    "pcap:in=$visit" sink:
ok 'a socket' fails 64 'nobody answers' --virtual --socket x \
    "pcap:in=$visit" sink:
ok 'verdicts in real time' fails 64 'without --virtual' --verdicts x \
    "pcap:in=$visit" sink:
ok 'a format of verdicts' fails 64 'text or json' --verdicts-format xml \
    "pcap:in=$visit" sink:
cp "$visit" both.pcap
for way in --log-pcap '--virtual --verdicts'; do
	# shellcheck disable=SC2086
	ok "$way into a file that is read" fails 73 'reads or writes this file' \
	    $way both.pcap pcap:in=both.pcap sink:
done
ok 'which is as it was' cmp "$visit" both.pcap
ok 'commands at the end that fail' then_fails "pcap:in=$visit,speed=asap" ''
ok 'and in virtual time' then_fails "pcap:in=$visit" --virtual
ok 'a file that is no capture' fails 69 'neither pcap nor pcapng' \
    "pcap:in=$dir/rules" sink:
echo "1..$n"
