# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# For the scripts of this folder.  A machine may be slow, busy, or leave a process
# standing for a second whenever it likes: they wait for what they need, for
# PATIENCE seconds at most, and never for a time in which it should have come.

PATIENCE=${PATIENCE:-120}

# await COMMAND...: runs it again and again until it succeeds.
await() {
	local end=$((SECONDS + PATIENCE))

	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# free_port: of two neighbours that nobody has, the first; below those that the
# kernel hands out by itself.
free_port() {
	local p

	for _ in $(seq 1000); do
		p=$((20000 + (RANDOM * 32768 + RANDOM) % 6000 * 2))
		grep -q ":$(printf '%04X' $p) " /proc/net/tcp ||
		    grep -q ":$(printf '%04X' $((p + 1))) " /proc/net/tcp ||
		    break
	done
	echo $p
}

# has_said FILE TEXT [PID]: the text is in the file; or the process that should
# write it has ended, and waiting would be in vain.
has_said() {
	grep -qs -- "$2" "$1" || { [ -n "${3:-}" ] && ! kill -0 "$3" 2>/dev/null; }
}

# gone PID: the child is no more, or waits to be asked for its status.
gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# ring_drops: what switches and pipes have dropped so far, for whatever reason.
ring_drops() {
	timeout $PATIENCE "$bin/vale-ctl" -l |
	    awk '$1 == "total" { n += $4 } END { print n + 0 }'
}

# feed PID COMMAND...: runs the sender until the receiver PID has what it wants
# and ends.  Once must do, but for what a switch has dropped, and said so,
# because the receiver, or kipfw, was not let run for its 100 ms.
feed() {
	local rx=$1 lost end=$((SECONDS + PATIENCE))

	shift
	while lost=$(ring_drops) && "$@"; do
		until gone "$rx" || [ "$(ring_drops)" -gt "$lost" ]; do
			[ $SECONDS -lt $end ] || return 1
			sleep 0.05
		done
		! gone "$rx" || return 0
	done
	return 1
}
