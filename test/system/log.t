#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What rules log, end to end: lines, limits, resetlog and the capture."""
import os
import struct
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import PATIENCE_S, ipfw  # noqa: E402
import daemon as kipfw  # noqa: E402
SYSCTL = 'net.inet.ip.fw.'
NO_ROOM = ('ipfw: Cannot allocate %sdynamic state, consider increasing ' +
           SYSCTL + '%s')
EXCESS = ('ipfw: 100 drop session type 40 1.2.3.4 %d -> 5.6.7.8 9, '
          '1 too many entries')
LINE = 'Count UDP 1.2.3.4:0 5.6.7.8:0 in via '


def two_flows(path):
    """A capture of two UDP packets that differ in the source's port."""
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for sport in 7, 8:
            p = bytes(12) + struct.pack(
                '>HBBHHHBBH4s4sHHHH', 0x800, 0x45, 0, 28, 0, 0, 64, 17, 0,
                bytes([1, 2, 3, 4]), bytes([5, 6, 7, 8]), sport, 9, 8, 0)
            f.write(struct.pack('<IIII', 0, 0, len(p), len(p)) + p)


def start(tmp, *options, source='source:'):
    """A kipfw whose packets are those of the infinite source's kind."""
    return kipfw.start(None, os.path.join(tmp, 'err'), *options, source,
                       'sink:')


def lines(tmp):
    with open(os.path.join(tmp, 'err')) as f:
        return [l.rstrip('\n') for l in f if l.startswith('ipfw: ')]


def wait_lines(tmp, n):
    end = time.time() + PATIENCE_S
    while len(lines(tmp)) < n and time.time() < end:
        time.sleep(0.05)
    time.sleep(0.3)     # what must not come has time to come
    return lines(tmp)


def check(n, good, what, seen=''):
    print('%sok %d - %s' % ('' if good else 'not ', n, what), flush=True)
    if not good:
        print('# saw: %r' % (seen,), flush=True)


def main():
    print('1..11', flush=True)
    with tempfile.TemporaryDirectory(prefix='kipfw-log-') as tmp:
        pcap = os.path.join(tmp, 'log.pcapng')
        daemon, port = start(tmp, '--log-pcap', pcap)
        try:
            ipfw(port, 'add', '100', 'count', 'log', 'logamount', '3', 'udp',
                 'from', 'any', 'to', 'any')
            seen = wait_lines(tmp, 4)
            check(1, len(seen) == 4 and
                  all(l.startswith('ipfw: 100 ' + LINE) for l in seen[:3]),
                  'three packets, three lines', seen)
            check(2, seen[3:] == ['ipfw: limit 3 reached on entry 100'],
                  'then the limit is told', seen)
            ipfw(port, 'add', '50', 'count', 'ip', 'from', 'any', 'to', 'any')
            ipfw(port, 'delete', '50')
            check(3, len(wait_lines(tmp, 4)) == 4,
                  'other rules do not bring it back', lines(tmp))
            ipfw(port, 'resetlog', '100')
            seen = wait_lines(tmp, 8)
            check(4, len(seen) == 8 and seen[7] == seen[3],
                  'resetlog does', seen)
            ipfw(port, 'table', 'a', 'create', 'valtype', 'skipto')
            ipfw(port, 'table', 'a', 'add', '1.2.3.4', '300')
            ipfw(port, 'add', '200', 'skipto', 'tablearg', 'log', 'logamount',
                 '1', 'src-ip', 'table(a)')
            seen = wait_lines(tmp, 10)[8:]
            check(5, len(seen) == 2 and
                  seen[0].startswith('ipfw: 200 SkipTo 300 UDP '),
                  'tablearg is told as what the table gave', seen)
        finally:
            daemon.terminate()
            daemon.wait()
        with open(pcap, 'rb') as f:
            raw = f.read()
        check(6, raw.count(b'00100 count log logamount 3 udp from any to any')
              == 6, 'each packet is in the capture with its rule', raw[:600])

        daemon, port = start(tmp, '--syslog')
        ipfw(port, 'add', '100', 'count', 'log', 'logamount', '3', 'udp',
             'from', 'any', 'to', 'any')
        time.sleep(0.3)
        daemon.terminate()
        daemon.wait()
        check(7, lines(tmp) == [], 'with --syslog standard error is quiet',
              lines(tmp))

        daemon, port = start(tmp)
        begun = time.time()
        ipfw(port, 'sysctl', SYSCTL + 'dyn_max=0')
        ipfw(port, 'add', '100', 'allow', 'udp', 'from', 'any', 'to', 'any',
             'keep-state')
        wait_lines(tmp, 2)
        ipfw(port, 'delete', '100')
        seen = wait_lines(tmp, 2)
        check(8, 2 <= len(seen) and set(seen) == {NO_ROOM % ('', 'dyn_max')},
              'states without room are told about', seen)
        ipfw(port, 'sysctl', SYSCTL + 'dyn_parent_max=0')
        ipfw(port, 'add', '100', 'allow', 'udp', 'from', 'any', 'to', 'any',
             'limit', 'src-addr', '5')
        end = time.time() + PATIENCE_S
        last = NO_ROOM % ('parent ', 'dyn_parent_max')
        while last not in lines(tmp) and time.time() < end:
            time.sleep(0.05)
        daemon.terminate()
        daemon.wait()
        seen = lines(tmp)
        # Of each kind one at once, then one a second.
        check(9, last in seen and len(seen) < 4 + time.time() - begun,
              'and parents, a line a second', seen)

        pcap = os.path.join(tmp, 'flows.pcap')
        two_flows(pcap)
        daemon, port = start(tmp, source='source:' + pcap)
        begun = time.time()
        ipfw(port, 'add', '100', 'allow', 'udp', 'from', 'any', 'to', 'any',
             'limit', 'src-addr', '1')
        seen = wait_lines(tmp, 2)
        ipfw(port, 'sysctl', SYSCTL + 'verbose=0')
        seen = lines(tmp)
        took = time.time() - begun
        check(10, 2 <= len(seen) < 3 + took and
              set(seen) < {EXCESS % 7, EXCESS % 8},
              'a session beyond a limit is told about, a line a second', seen)
        seen = quiet = -1
        end = time.time() + PATIENCE_S
        while quiet != seen and time.time() < end:  # one may be on its way
            seen = len(lines(tmp))
            time.sleep(1.3)
            quiet = len(lines(tmp))
        check(11, quiet == seen, 'not without verbose', lines(tmp))
        daemon.terminate()
        daemon.wait()


main()
