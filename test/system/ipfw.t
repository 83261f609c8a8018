#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The command as its user runs it: help and versions of all programs, exit
# codes, files, preprocessors, lines that come one by one.  Prints TAP.
. "$(dirname "$0")/begin.sh"

# says CODE OUT ERR COMMAND...: ends with this code, having printed these.
says() {
	local code=$1 out=$2 err=$3 rc=0
	shift 3
	timeout $PATIENCE "$@" >"$dir/out" 2>"$dir/err" </dev/null || rc=$?
	[ $rc = "$code" ] && [ "$(cat "$dir/out")" = "$out" ] &&
	    [ "$(cat "$dir/err")" = "$err" ]
}

# helps PROGRAM OPTION: tells its usage on standard output, and nothing else.
helps() {
	timeout $PATIENCE "$bin/$1" "$2" >"$dir/out" 2>"$dir/err" || return 1
	head -n 1 "$dir/out" | grep -q "^usage: $1 " && [ ! -s "$dir/err" ]
}

# Each add is done before the next line comes.
one_by_one() {
	mkfifo "$dir/pipe"
	timeout $PATIENCE "$bin/ipfw" /dev/stdin <"$dir/pipe" >"$dir/out" \
	    2>"$dir/err" &
	exec 5>"$dir/pipe"
	for num in 10 20 30; do
		echo "add $num count in" >&5
		await sh -c "'$bin/ipfw' list $num 2>/dev/null | grep -q ."
		[ "$("$bin/ipfw" list $num)" = "000$num count in" ] || return 1
	done
	exec 5>&-
	wait $!
}

many() { # rules from a file, some refused by the daemon in the middle
	awk 'BEGIN { for (i = 1; i <= 3000; i++) print "add", i, "count ip from",
	    "10.0." int(i / 256) "." i % 256, "to any" }' >"$dir/rules"
	sed -i '2500s/.*/add 2500 allow uid 0/' "$dir/rules"
	says 69 "$(seq -f '%05g' 2499 | awk '{ i = $1 + 0; print $1,
	    "count ip from 10.0." int(i / 256) "." i % 256 " to any" }')" \
	    'Line 2500: word 4 "uid": needs sockets on this machine, and a bump in the wire has none' \
	    "$bin/ipfw" "$dir/rules" &&
	    [ "$("$bin/ipfw" list | wc -l)" = 2500 ]
}

version=$("$bin/kipfw" --version)
version=${version#kipfw }
for p in kipfw ipfw pkt-gen vale-ctl; do
	ok "$p --version" says 0 "$p $version" "" "$bin/$p" --version
	ok "$p --help" helps $p --help
	[ $p = vale-ctl ] || ok "$p -h" helps $p -h # there it attaches
done
ok "no arguments" says 64 "" "usage: ipfw [options]
do \"ipfw -h\" or \"man ipfw\" for details" "$bin/ipfw"
ok "unknown long option" says 64 "" \
    'ipfw: word 1 "--nope": unknown; there are --help and --version' \
    "$bin/ipfw" --nope
ok "nobody there" says 69 "" \
    "ipfw: cannot reach kipfw at 127.0.0.1 port $IPFW_PORT: Connection refused" \
    "$bin/ipfw" list
ok "-n needs nobody" says 0 "00000 allow ip from any to me" "" \
    "$bin/ipfw" -n add pass all from any to me

"$bin/kipfw" >"$dir/log" 2>&1 &
kipfw=$!
await has_said "$dir/log" 'control on' $kipfw
ok "lines that come one by one" one_by_one
"$bin/ipfw" -q flush
ok "many rules, one refused" many
"$bin/ipfw" -q flush
printf 'add NUM count in # one\n\n# nothing\nset disable 3\nlist NUM\n' \
    >"$dir/rules"
ok "a preprocessor" says 0 "00077 count in
00077 count in" "" "$bin/ipfw" -p sed s/NUM/77/ "$dir/rules"
ok "its failure" says 69 "" "ipfw: preprocessor false exited with status 1" \
    "$bin/ipfw" -p false "$dir/rules"
ok "a file that is not there" says 64 "" \
    "ipfw: pathname: $dir/none: No such file or directory" \
    "$bin/ipfw" "$dir/none"
objects() {
	"$bin/ipfw" -q add allow tcp from any to any setup keep-state :web
	says 0 "Objects list:
 kidx: 65535	type:    EACTION	name: tcp-setmss
 kidx: 4096	type:   DYNSTATE	name: web" "" "$bin/ipfw" internal olist
}
ok "internal olist" objects
"$bin/ipfw" -q flush
ok "services and -N" says 0 "00100 count tcp from any 22 to any 80-443,53
00100 count tcp from any ssh to any http-https,domain" "" \
    sh -c "\"$bin/ipfw\" add count tcp from any ssh to any http-https,domain &&
    \"$bin/ipfw\" -N list 100"
echo "1..$n"
