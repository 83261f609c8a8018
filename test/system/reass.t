#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""reass, end to end: fragments through a bump, and what its rules count."""
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import PATIENCE_S, BIN, ipfw  # noqa: E402
import daemon as kipfw  # noqa: E402
UDP, ICMP = 17, 1


def fragments(proto, ident, payload, size):
    """An IPv4 packet from 10.0.0.1 to 10.0.1.2, cut into frames."""
    frames = []
    for at in range(0, len(payload), size):
        piece = payload[at:at + size]
        more = 0x2000 if at + size < len(payload) else 0
        frames.append(
            bytes.fromhex('020000000002020000000001' '0800') +
            struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(piece), ident,
                        more | at // 8, 64, proto, 0, 0x0a000001, 0x0a000102) +
            piece)
    return frames


def write_pcap(path, frames):
    with open(path, 'wb') as f:
        f.write(struct.pack('=IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack('=IIII', 0, 0, len(frame), len(frame)) + frame)


def start(tmp, rules):
    path = os.path.join(tmp, 'rules')
    with open(path, 'w') as f:
        f.write('\n'.join(rules) + '\n')
    return kipfw.start(os.path.join(tmp, 'out'), None, '--out-pass', '-f',
                       path, 'valeA:f', 'valeB:f')


def run(tmp, frames, want, *rules):
    """The frames once through a bump with these rules, which should count 'want'
    packets each.  Returns what they count, and the daemon's farewell."""
    source = os.path.join(tmp, 'in.pcap')
    write_pcap(source, frames)
    daemon, port = start(tmp, rules)
    try:
        subprocess.run([os.path.join(BIN, 'pkt-gen'), '-i', 'valeA:1', '-f',
                        'tx', '-P', source, '-n', str(len(frames)), '-w', '0',
                        '-T', '0'], timeout=PATIENCE_S,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.time() + PATIENCE_S
        counts = []
        while counts != want and time.time() < end:
            time.sleep(0.02)
            counts = [int(line.split()[1]) for line in
                      ipfw(port, 'show').splitlines()][:len(want)]
    finally:
        daemon.terminate()
        daemon.wait()
    with open(os.path.join(tmp, 'out')) as f:
        return counts, f.read()


def check(n, good, what, seen=''):
    print('%sok %d - %s' % ('' if good else 'not ', n, what), flush=True)
    if not good:
        print('# saw: %r' % (seen,), flush=True)


def main():
    print('1..4', flush=True)
    random.seed(3)
    parts = fragments(UDP, 7, struct.pack('>HHHH', 9, 53, 2508, 0) +
                      random.randbytes(2500), 800)
    random.shuffle(parts)
    reass = 'add 100 reass ip from any to any in'
    with tempfile.TemporaryDirectory(prefix='kipfw-reass-') as tmp:
        os.environ['KIPFW_SHM'] = os.path.join(tmp, 'shm')
        os.mkdir(os.environ['KIPFW_SHM'], 0o700)
        counts, said = run(tmp, parts, [4, 1, 2], reass,
                           'add 200 count udp from any to any 53 in',
                           'add 300 count udp from any to any 53 iplen 2528')
        check(1, counts == [4, 1, 2], 'rules see the whole, once a pass',
              counts)
        check(2, 'received 4, sent 4, dropped 0' in said,
              'each fragment goes on', said)
        counts, said = run(tmp, parts, [4, 1], reass,
                           'add 200 deny udp from any to any 53')
        check(3, counts == [4, 1] and '4 denied by a rule' in said,
              'or none does', (counts, said))
        # As in FreeBSD's own test: a ping of 20,000 octets, an MTU of 200.
        many = fragments(ICMP, 8, bytes([8]) + bytes(20007), 176)
        counts, said = run(tmp, many, [len(many), 0], reass,
                           'add 200 count icmp from any to any icmptypes 8')
        check(4, counts == [len(many), 0] and
              'fragment over a limit of reassembly' in said,
              'a packet of too many fragments does not', (counts, said))


main()
