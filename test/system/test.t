#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# 'ipfw test' against a kipfw that forwards at full load, and without one: the
# same answers, and no trace of the question.  Prints TAP.
. "$(dirname "$0")/begin.sh"

# asks CODE TEXT ARGS...: ipfw ends with this code and prints, among others, this.
asks() {
	local code=$1 text=$2 rc=0
	shift 2
	timeout $PATIENCE "$bin/ipfw" "$@" >"$dir/out" 2>&1 </dev/null || rc=$?
	[ $rc = "$code" ] && grep -qF -- "$text" "$dir/out"
}

cat >"$dir/rules" <<'END'
table web create type number counters
table web add 80
pipe 5 config bw 10Mbit/s
add 100 count log ip from any to any lookup dst-port web
add 200 check-state
add 300 allow tcp from any to any 22 setup keep-state
add 310 allow tcp from any to any 23 setup limit src-addr 1
add 400 pipe 5 udp from any to any 53
add 410 pipe 6 udp from any to any 54
add 500 reset tcp from any to any 25
add 600 deny tcp from any to any
END

# A capture of three frames: TCP to 22, UDP to 53, ARP.
python3 - "$dir/in.pcap" <<'END'
import struct, sys
ip = bytes([10, 0, 0, 1, 10, 0, 0, 2])
eth = bytes(12)
def v4(proto, l4):
    return eth + b'\x08\0' + struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(l4),
        0, 0, 64, proto, 0) + ip + l4
frames = [
    v4(6, struct.pack('>HHIIBBHHH', 9, 22, 0, 0, 0x50, 2, 5, 0, 0)),
    v4(17, struct.pack('>HHHH', 9, 53, 8, 0)),
    eth + b'\x08\x06' + bytes(28)]
with open(sys.argv[1], 'wb') as f:
    f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for x in frames:
        f.write(struct.pack('<IIII', 0, 0, len(x), len(x)) + x)
END

# ---- without a daemon ----

ssh='in recv em0 tcp from 10.0.0.1 4000 to 10.0.0.2 22 setup'
ok "a packet against a file: ipfw -f FILE test" \
    asks 0 'accepted by rule 00300' -f "$dir/rules" test "$ssh"
ok "the same, the other way round" \
    asks 0 'accepted by rule 00300' test -f "$dir/rules" "$ssh"
ok "a dropped one says why, and ends with 1" \
    asks 1 'dropped by rule 00600' test -f "$dir/rules" "${ssh/22/80}"
ok "the word that did not match" \
    asks 1 'dst-port 22: packet has 80' test -f "$dir/rules" -v "${ssh/22/80}"
ok "a pipe that is not there" \
    asks 1 'pipe 6: there is no such pipe' \
    test -f "$dir/rules" udp to 10.0.0.1 54
ok "all packets of a capture" \
    asks 0 '     2 udp 10.0.0.1:9 > 10.0.0.2:53: accepted by rule 00400' \
    test -f "$dir/rules" --pcap "$dir/in.pcap"
ok "one of them in full" \
    asks 0 'sends it through pipe 5' \
    test -f "$dir/rules" --packet 2 --pcap "$dir/in.pcap"

# A request and answers after 3, 10 and 30 seconds; the answer's end is 20 s after.
cat >"$dir/states" <<'END'
sysctl net.inet.ip.fw.dyn_udp_lifetime=15
add 100 check-state
add 200 allow udp from 10.0.0.1 to any keep-state
add 300 deny ip from any to any
END
python3 - "$dir/flow.pcap" <<'END'
import struct, sys
eth = bytes(12) + b'\x08\0'
a, b = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
def udp(src, dst, sport, dport):
    return eth + struct.pack('>BBHHHBBH', 0x45, 0, 28, 0, 0, 64, 17, 0) + \
        src + dst + struct.pack('>HHHH', sport, dport, 8, 0)
with open(sys.argv[1], 'wb') as f:
    f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for t, x in ((0, udp(b, a, 7, 8)), (1, udp(a, b, 8, 7)),
                 (4, udp(b, a, 7, 8)), (3, udp(b, a, 7, 8)),
                 (18, udp(b, a, 7, 8)), (40, udp(b, a, 7, 8))):
        f.write(struct.pack('<IIII', 1700000000 + t, 0, len(x), len(x)) + x)
END
ends() { # WANT ARGS...: 'accepted' or 'dropped' of each packet, as letters
	local want=$1
	shift
	timeout $PATIENCE "$bin/ipfw" test -f "$dir/states" --pcap "$dir/flow.pcap" \
	    "$@" >"$dir/out" 2>&1
	[ "$(sed 's/.*: \([ad]\).*/\1/' "$dir/out" | tr -d '\n')" = "$want" ]
}
ok "packets of a capture meet the states of those before, at their time" \
    ends daaaad
ok "or each by itself" ends dadddd --alone
ok "one of them in full, with the states of those before" \
    asks 0 'finds the state :default, as an answer' test -f "$dir/states" \
    --pcap "$dir/flow.pcap" --packet 3
ok "a capture that is none" \
    asks 66 'neither pcap nor pcapng' test -f "$dir/rules" --pcap "$dir/rules"
head -c 100 "$dir/in.pcap" >"$dir/cut.pcap"
ok "a capture that is cut" \
    asks 65 'the file ends in the middle' test -f "$dir/rules" --pcap "$dir/cut.pcap"
echo 'add 100 alow ip from any to any' >"$dir/bad"
ok "a mistake in the file" asks 64 'Line 1: word 3 "alow"' test -f "$dir/bad" tcp
ok "a mistake in the packet" \
    asks 65 'packet: word 2 "form"' test -f "$dir/rules" tcp form 10.0.0.1
cp "$bin/ipfw" "$dir/ipfw"
alone() {
	PATH=/nonexistent /usr/bin/timeout $PATIENCE "$dir/ipfw" test -f "$dir/rules" \
	    tcp >"$dir/out" 2>&1
	[ $? = 69 ] && grep -q 'needs the program kipfw' "$dir/out"
}
ok "an ipfw without kipfw says so" alone
json() {
	timeout $PATIENCE "$bin/ipfw" test -f "$dir/rules" --json -v "$ssh" \
	    >"$dir/out" 2>&1 || return 1
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
assert d["accepted"] and d["verdict"] == "accept" and d["by"]["rule"] == 300
assert d["packet"]["dport"] == 22 and d["steps"][-1]["what"] == "act"
assert any(s["what"] == "miss" and "no state" in s["why"] for s in d["steps"])
' "$dir/out" 2>>"$dir/out"
}
ok "the answer as JSON" json

# ---- against a daemon ----

ok "nobody there" asks 69 'cannot reach kipfw' test tcp
"$bin/kipfw" --out-pass -f "$dir/rules" "valea$$:a" "valeb$$:b" \
    >"$dir/kipfw.out" 2>&1 &
kipfw=$!
await eval '"$bin/ipfw" list >/dev/null 2>&1 || ! kill -0 $kipfw'

# What could tell that something was asked.
traces() {
	"$bin/ipfw" -T -a list
	"$bin/ipfw" -D list
	"$bin/ipfw" -a table web list
	"$bin/ipfw" sysctl -a | grep -E 'dyn_(parent_)?count|static_count'
	"$bin/ipfw" pipe show
}

# Each packet leaves no trace, while nothing else comes.
no_trace() {
	traces >"$dir/before"
	for p in "$ssh" 'tcp dst-port 23' 'tcp dst-port 80' 'udp dst-port 53' \
	    'tcp dst-port 25' 'tcp established'; do
		timeout $PATIENCE "$bin/ipfw" test -v "${p/em0/valea$$:a}" \
		    >>"$dir/out" 2>&1
		[ $? -le 1 ] || return 1
	done
	traces >"$dir/after"
	cmp "$dir/before" "$dir/after" >"$dir/out" 2>&1
}
ok "no counter, state, table or pipe has changed" no_trace
ok "the running rules" asks 0 'accepted by rule 00300' \
    test tcp from 10.0.0.1 to 10.0.0.2 22 setup
ok "its ports, and the way out" asks 0 'on the way out:' \
    test recv "valeb$$:b" tcp from 10.0.0.1 to 10.0.0.2 22 setup
ok "a port that it does not have" asks 69 'no port is called em7' \
    test recv em7 tcp
ok "a capture" asks 0 '     3 arp: accepted by rule 65535' \
    test --pcap "$dir/in.pcap"
"$bin/ipfw" -q add 50 deny tcp from any to any 22 >/dev/null
"$bin/ipfw" -q add 15 allow udp from 10.0.0.1 to any keep-state :t
traces >"$dir/before"
ok "each packet by itself" \
    asks 0 '     3 udp 10.0.0.2:7 > 10.0.0.1:8: accepted by rule 65535' \
    test --pcap "$dir/flow.pcap"
traces >"$dir/after"
ok "and no state" cmp "$dir/before" "$dir/after"
"$bin/ipfw" -q delete 15
ok "a rule that was added just now" asks 1 'dropped by rule 00050' \
    test tcp from 10.0.0.1 to 10.0.0.2 22 setup
"$bin/ipfw" -q delete 50

# The infinite source at full load: answers still come, and come right.
"$bin/ipfw" -q add 40 count udp from any to any
exec 6<>"/dev/tcp/127.0.0.1/$((IPFW_PORT + 1))"
echo >&6
counted() { "$bin/ipfw" -a list 40 | awk '{ print $2 }'; }
loaded() {
	local one k

	await eval '[ "$(counted)" -gt 0 ]' || return 1
	one=$(counted)
	for k in $(seq 20); do
		asks 1 'dropped by rule 00500, answered with a TCP RST' \
		    test tcp to 10.0.0.2 25 || return 1
	done
	await eval '[ "$(counted)" -gt $one ]' # it still runs
}
ok "under full load" loaded
exec 6>&-

echo "1..$n"
