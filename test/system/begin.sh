# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# How a script of this folder begins: a place of its own for files, switches and
# control, and an end that leaves nothing.  Gives
#
#	$bin	where the programs are
#	$dir	a folder that goes in the end
#	$n	lines of TAP so far, for the plan
#
# and switches and IPFW_PORT that nobody else has.  What still runs in the
# background at the end is ended.
set -u
. "${BASH_SOURCE[0]%/*}/lib.sh"

bin=$(realpath "${KIPFW_BIN:-./bin}")
dir=$(mktemp -d) || exit 1
export KIPFW_SHM=$dir/shm IPFW_HOST=127.0.0.1
IPFW_PORT=$(free_port)
export IPFW_PORT
mkdir -m 700 "$KIPFW_SHM"
n=0
trap 'jobs -p | xargs -r kill 2>/dev/null; wait; rm -rf "$dir"' EXIT

# ok NAME COMMAND...: one line of TAP from the command's exit status; if it fails,
# what the programs said and should have said.
ok() {
	local name=$1 f

	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $name"
		return
	fi
	echo "not ok $n - $name"
	for f in "$dir"/{out,err,said,want} "$dir"/*.log; do
		[ ! -f "$f" ] || sed "s|^|# ${f##*/}: |" "$f"
	done
}
