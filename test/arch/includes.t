#!/bin/sh
# Includes point one way: each folder may use only those that its row names.
cd "$(dirname "$0")/../.." || exit 1

# folder: what it may include, beside itself, base and the ABI in include/
allowed='base:
packet:
state: packet
pipe: packet
vale:
nmapi: vale port/nic.h
table:
capture:
port: packet vale capture
rule: packet state table
engine: packet state table rule port pipe
cli: ctl/client.h rule/insn.h rule/insn.def pipe/dn_drop.def
ctl: state table rule engine pipe
daemon: capture rule port engine ctl cli
tools: capture packet port vale'

n=0
echo "1..$(echo "$allowed" | wc -l)"
echo "$allowed" | while IFS=: read -r dir may; do
	n=$((n + 1))
	bad=$(grep -HnE '^#include "' src/"$dir"/*.[ch] |
	    sed 's/^\([^:]*:[0-9]*\):#include "\(.*\)".*/\1 \2/' |
	    while read -r where what; do
		case $what in */*) ;; *) continue ;; esac
		ok=
		for m in "$dir" base $may; do
			case $what in "$m" | "$m"/*) ok=1 ;; esac
		done
		[ -n "$ok" ] || echo "# $where includes $what"
	done)
	if [ -z "$bad" ]; then
		echo "ok $n - $dir"
	else
		echo "$bad"
		echo "not ok $n - $dir"
	fi
done
