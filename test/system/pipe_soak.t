#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Pipes at full rate under constant reconfiguration: at the end every packet has
# arrived, or kipfw says why not.  SOAK=600 makes it last ten minutes.
set -u
. "$(dirname "$0")/lib.sh"

bin=$(realpath "${KIPFW_BIN:-./bin}")
seconds=${SOAK:-5}
dir=$(mktemp -d) || exit 1
KIPFW_SHM=$dir/shm
IPFW_PORT=$(free_port)
export KIPFW_SHM IPFW_PORT IPFW_HOST=127.0.0.1
mkdir -m 700 "$KIPFW_SHM"
cd "$dir" || exit 1
RANDOM=${SEED:-1}
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null; done; wait; rm -rf "$dir"' EXIT

ipfw() {
	timeout $PATIENCE "$bin/ipfw" "$@"
}
key() {
	sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" "$1" | tail -n 1
}
pick() {
	local a=("$@")
	echo "${a[RANDOM % $#]}"
}

# A port that is free; somebody else may have the first one.
for _ in 1 2 3 4 5; do
	"$bin/kipfw" -w 2 valeA:f valeB:f valeC:f valeD:f >kipfw.log 2>&1 &
	kipfw=$!
	pids=$kipfw
	await has_said kipfw.log 'control on' $kipfw
	grep -q 'control on' kipfw.log && break
	IPFW_PORT=$(free_port)
done
grep -q 'control on' kipfw.log || {
	echo "Bail out! kipfw did not start: $(cat kipfw.log)"
	exit 1
}
cat >rules <<'END'
sched 3 config type wf2q+
pipe 1 config delay 1
pipe 2 config bw 1Gbit/s
pipe 3 config bw 2Gbit/s
queue 1 config sched 3 weight 10 mask src-ip 0xff
queue 2 config sched 3 weight 20
add 100 pipe 1 udp from 10.0.0.0/26 to any
add 200 pipe 2 udp from 10.0.0.64/26 to any
add 300 queue 1 udp from 10.0.0.128/26 to any
add 400 queue 2 udp from any to any
END
ipfw -q "$dir/rules" || exit 1

for to in B D; do
	"$bin/pkt-gen" -i vale$to:d -f rx --json >rx$to 2>&1 &
	pids="$pids $!"
	eval "rx$to=$!"
done
for to in B D; do
	await eval '"$bin/vale-ctl" | grep -q "vale$to:d "'
done
for from in A C; do
	"$bin/pkt-gen" -i vale$from:s -f tx -l 64 -R 1M --json \
	    -s 10.0.0.1:1000-10.0.0.250:1009 -d 10.1.0.1-10.1.0.9 \
	    -D 02:00:00:00:00:02 >tx$from 2>&1 &
	pids="$pids $!"
	eval "tx$from=$!"
done

# ---- changes, as fast as they are taken ----
changes=0
failed=0
end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ] || { [ $changes -lt 5 ] &&
    [ $SECONDS -lt $((end + PATIENCE)) ]; }; do
	case $((RANDOM % 8)) in
	0) c="pipe 1 config delay $((RANDOM % 20)) plr 0.$((RANDOM % 10))" ;;
	1) c="pipe 1 config delay 2 jitter 1ms $(pick uniform normal pareto) reordering duplicate 0.01" ;;
	2) c="pipe 2 config bw $((RANDOM % 900 + 1))Mbit/s queue $((RANDOM % 200 + 1)) $(pick codel pie droptail 'red 0.1/5/20/0.5')" ;;
	3) c="sched 3 config type $(pick wf2q+ rr qfq prio)" ;;
	4) c="queue 1 config sched 3 weight $((RANDOM % 60 + 1)) mask src-ip 0x$(pick f ff 3)" ;;
	5) c="queue 2 delete" ;;
	6) c="queue 2 config sched 3 weight 5 queue 100KB" ;;
	7) c="pipe 2 config $(pick 'mask src-ip 0xf' '') delay $((RANDOM % 5))" ;;
	esac
	# shellcheck disable=SC2086
	ipfw $c >last 2>&1 && changes=$((changes + 1)) || {
		grep -q 'does not exist' last || {
			failed=$((failed + 1))
			echo "# $c: $(cat last)"
		}
	}
done
kill -INT "$txA" "$txC"
wait "$txA" "$txC"
# Until all that is under way has arrived: nothing moves any more.
moving() {
	ipfw -v pipe show | grep -v "rate .* over the last" >pipes.txt
	"$bin/vale-ctl" -l >>pipes.txt
}
still() {
	moving
	cp pipes.txt pipes.was
	sleep 1
	moving
	cmp -s pipes.txt pipes.was
}
await still
# What senders gave up because kipfw, or a sink, did not come for so long.
rings() {
	"$bin/vale-ctl" -l | awk -v on="$1" '/^vale/ { sw = substr($1, 5, 1) }
		$1 == "total" && index(on, sw) { n += $4 } END { print n + 0 }'
}
before=$(rings AC)
kill -TERM $kipfw
wait $kipfw
rc=$?
after=$(rings BD)
kill -INT "$rxB" "$rxD"
wait "$rxB" "$rxD"

sent=$(($(key txA packets) + $(key txC packets)))
got=$(($(key rxB packets) + $(key rxD packets)))
n=0
ok() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' kipfw.log tx[AC] rx[BD] pipes.txt
	fi
}
# "kipfw: received R, sent S, dropped D"; a duplicate is sent but not received.
read -r in out dropped <<<"$(sed -n \
	's/^kipfw: received \([0-9]*\), sent \([0-9]*\), dropped \([0-9]*\)$/\1 \2 \3/p' \
	kipfw.log)"
twice=$(sed -n 's/.*duplicated \([0-9]*\),.*/\1/p' pipes.txt |
	awk '{ n += $1 } END { print n + 0 }')
echo "# $changes changes; sent $sent, received $got; kipfw: in $in, out $out," \
	"dropped $dropped, duplicated $twice; rings $before, $after"
ok "kipfw ended well" $rc
ok "all changes were taken" $((failed != 0 || changes < 5))
ok "packets came through" $((got < 1000))
ok "what was sent came in" $((sent != in + before))
ok "each has left, or is counted as dropped" \
	$((in + twice != out + dropped))
ok "what has left has arrived" $((out != got + after))
echo "1..$n"
