#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The commands of README.md, run as they stand.

usage: readme.t [NAME ...]

    <!-- run: NAME -->               the block below is run, by itself
    <!-- run: NAME after OTHER -->   behind the blocks of OTHER, in one shell
    <!-- prints: NAME -->            lines of its output; numbers may be others,
                                     and more may stand behind them

Each runs in an empty directory, where ./bin is, with namespaces of its own for
processes, mounts and the network: what it makes is gone when it ends.  CHECKS
has, for each name, what the text around it promises.
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import BIN, ROOT, Lab
from tap import Tap

SECONDS = 300
TRIES = 3  # of what is measured, on a machine that has other things to do
MARK = re.compile(r'<!-- (run|prints): ([\w-]+)(?: after ([\w-]+))? -->\n+'
                  r'```\w*\n(.*?)```', re.S)
NUMBER = r'\d+(?:\.\d+)?'

# Before all: a busy machine may need longer than the reader's until kipfw answers,
# a server listens, or a client has finished.
PRELUDE = '''
exec 2>&1
set -e
export KIPFW_SHM=$(mktemp -d)
mount -t tmpfs none /run
ip link set lo up
sleep() {
    command sleep "$@"
    await bin/ipfw -q list
    [ $1 -lt 3 ] || await no_client
}
await() {
    for _ in $(seq 1000); do
        "$@" >/dev/null 2>&1 && break
        command sleep 0.1
    done
}
no_client() { ! pgrep -f '^iperf3 .*-c '; }
servers=0
listening() { # HOST N
    [ $(command ip netns exec $1 cat /proc/net/tcp /proc/net/tcp6 |
        grep -c ':1451 [0:]* 0A ') -ge $2 ]
}
ip() {
    command ip "$@"
    case $* in
    *'iperf3 -s -D -B '*) await listening $3 $((servers += 1)) ;;
    *'iperf3 -s -D') await listening $3 1 ;;
    esac
}
'''

# What a machine has that a block is about: made before it.  Of Docker, what its
# bridges and containers are to the network.
BEFORE = {'pong': '''
bin/kipfw valeA:f valeB:f &
sleep 1
''', 'nics': '''
for host in inside outside; do ip netns add $host; done
ip link add eth1 type veth peer name eth0 netns inside
ip link add eth2 type veth peer name eth0 netns outside
n=0
for host in inside outside; do
    ip -n $host link set eth0 up
    ip -n $host addr add 10.0.0.$((n += 1))/24 dev eth0
done
''', 'docker': '''
docker() {
    case "$1 $2" in
    'network create')
        ip link add ${6#*=} type bridge
        ip addr add ${4%.0/24}.1/24 dev ${6#*=}
        ip link set ${6#*=} up ;;
    'run -d')
        unshare -n sleep infinity & echo $! >$4
        while [ /proc/$!/ns/net -ef /proc/$$/ns/net ]; do command sleep 0.01; done
        ip link add $4 master br-$6 type veth peer name eth0 netns $!
        ip link set $4 up
        nsenter -n -t $! ip addr add $8/24 dev eth0
        nsenter -n -t $! ip link set eth0 up ;;
    'inspect -f')
        cat $4 ;;
    'exec c1')
        shift 2
        nsenter -n -t $(cat c1) "$@" | # as busybox says it
            sed 's,^rtt min/avg/max/mdev = \\(.*\\)/[0-9.]* ms,round-trip min/avg/max = \\1 ms,' ;;
    esac
}
'''}

# Shell lines behind a block, whose exit status judges what it left.
BEHIND = {'nics': '''
ip netns exec outside iperf3 -s -D
ip netns exec inside iperf3 -s -D
sleep 1
await ip netns exec inside ping -c 1 -W 1 10.0.0.2
ip netns exec inside ping -c 3 -i 0.2 -W 10 10.0.0.2
ip netns exec inside iperf3 -t 60 -c 10.0.0.2 &
await eval 'bin/ipfw -d show | grep "STATE tcp"'
bin/ipfw -d show
! timeout 2 ip netns exec outside iperf3 --connect-timeout 1000 -n 1M -c 10.0.0.1
'''}


def numbers(pattern, text):
    """The numbers that the groups of 'pattern' find, of the first place."""
    found = re.search(pattern, text, re.M)
    return [float(x) for x in found.groups()] if found else [0]


def pong(text):
    return numbers(r'RTT over \d+ packets: min (\d+)', text)[0] >= 80e6


def network(text):
    return 'xdp:left <-> xdp:right' in text


def bad_link(text):
    rtt = [float(x) for x in re.findall(r'rtt min.* = ([\d.]+)/', text)]
    rate = numbers(r'([\d.]+) Mbits/sec .*receiver', text)
    got = numbers(r'200 packets transmitted, (\d+) received', text)
    # 10 % of 200, and six standard deviations to either side
    return (len(rtt) == 2 and rtt[0] >= 80 > 40 > rtt[1] >= 1 and
            8 < rate[0] < 20.5 and 154 <= got[0] < 200)


def docker(text):
    return numbers(r'round-trip min/avg/max = ([\d.]+)/', text)[0] >= 80


def shares(text):
    rates = re.findall(r'([\d.]+) Mbits/sec .*receiver', text)
    return len(rates) == 2 and all(4 < float(r) < 10.5 for r in rates)


def two_nics(text):
    return ' 0% packet loss' in text and 'STATE tcp' in text


def why(text):
    return 'dropped by rule 65000' in text and 'exit status 1' in text


def replay(text):
    """Its stamps are exact: no other numbers."""
    return ('20 1700000000.052500000 outside pass rule 300 found 300 pipe 1 '
            'left 1700000000.152000000\n' in text and
            '00300 19 12481 allow tcp' in text)


CHECKS = {'replay': replay, 'why': why, 'pong': pong, 'network': network,
          'bad-link': bad_link, 'shares': shares, 'nics': two_nics,
          'docker': docker}


def read(path):
    """Blocks by name, in order: the text, what comes before, what is printed."""
    run, after, prints = {}, {}, {}
    with open(path) as f:
        for what, name, other, text in MARK.findall(f.read()):
            if what == 'prints':
                prints[name] = prints.get(name, '') + text
            else:
                run[name] = run.get(name, '') + text
                after[name] = other or after.get(name, '')
    return run, after, prints


def whole(name, run, after):
    """A block with those that it comes after."""
    first = whole(after[name], run, after) if after[name] else ''
    return first + BEFORE.get(name, '') + run[name] + BEHIND.get(name, '')


def unlike(line, text):
    """True if no line of the text begins like this one, with whatever numbers."""
    pattern = re.sub(NUMBER, lambda _: NUMBER, re.escape(line).replace(
        r'\.', '.')).replace(r'\ ', ' ')
    pattern = re.sub(r'(?: )+', r'\\s+', pattern)
    return not re.search('^' + pattern, text, re.M)


def execute(lab, script):
    """The block in namespaces of its own; exit status and all it prints."""
    here = os.path.join(lab.dir, 'readme')
    shutil.rmtree(here, ignore_errors=True)
    os.mkdir(here)
    os.symlink(BIN, os.path.join(here, 'bin'))
    os.symlink(os.path.join(ROOT, 'examples'), os.path.join(here, 'examples'))
    name = os.path.join(here, 'block')
    with open(name, 'w') as f:
        f.write('cd %s\n%s%s' % (here, PRELUDE, script))
    net = lab.net()
    done = net.run('unshare', '-m', '-p', '-f', '--kill-child', '--mount-proc',
                   'timeout', str(SECONDS), 'bash', name, seconds=SECONDS + 5)
    lab.forget(net)
    return done.code, done.out + done.err


report = Tap()
run, after, prints = read(os.path.join(ROOT, 'README.md'))
report.ok(set(run) == set(CHECKS) and set(prints) <= set(run),
          'each block of the README has its check',
          'blocks %s, checks %s' % (sorted(run), sorted(CHECKS)))
with Lab() as lab:
    for name in sys.argv[1:] or run:
        for _ in range(TRIES):
            code, text = execute(lab, whole(name, run, after))
            missing = [line for line in prints.get(name, '').splitlines()
                       if unlike(line, text)]
            if code == 0 and CHECKS[name](text) and not missing:
                break
            report.note('once more, after:', 'exit status %d' % code, text)
        if not report.ok(code == 0, '%s runs' % name, text):
            continue
        report.ok(CHECKS[name](text), '%s does what it promises' % name, text)
        if name in prints:
            report.ok(not missing, '%s prints what the README shows' % name,
                      *missing, 'of', text)
report.end()
