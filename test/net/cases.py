# SPDX-License-Identifier: BSD-2-Clause
"""What must work over a path: each case returns (good, notes)."""
import hashlib
import json
import os
import random
import re
import socket
import sys
import time

import frames
from lab import wait_until

A, B, A6, B6 = '10.9.0.1', '10.9.0.2', 'fd09::1', 'fd09::2'
UDP_SEGMENT = 103
STREAM = 2000
STREAM_SIZE = '30M'
MEGABYTES = int(os.environ.get('NET_MEGABYTES', '100'))
CHECKSUM_ERRORS = ('TcpInCsumErrors', 'UdpInCsumErrors', 'IcmpInCsumErrors')


def ping(net, to, count=10, size=56, more=()):
    """Replies, and the shortest, mean and longest round trip in ms.

    All requests go at once: ping waits as long for late replies as between two
    requests, and a busy machine may be late.
    """
    done = net.run('ping', '-n', '-q', '-c', str(count), '-l', str(count), '-i',
                   '20', '-s', str(size), '-W', '20', *more, to)
    got = re.search(r'(\d+) received', done.out)
    rtt = re.search(r'= ([\d.]+)/([\d.]+)/([\d.]+)/', done.out)
    return (int(got.group(1)) if got else 0,
            [float(x) for x in rtt.groups()] if rtt else [0, 0, 0],
            done.out + done.err)


def pings(path, to, **kw):
    count = kw.get('count', 10)
    got, _, text = ping(path.a, to, **kw)
    return got == count, text


def ping4(path):
    return pings(path, B)


def ping6(path):
    return pings(path, B6)


def fragments4(path):
    return pings(path, B, size=4000, count=5)


def fragments6(path):
    return pings(path, B6, size=4000, count=5)


def jumbo(path):
    """As much as the path's MTU holds, in one piece."""
    return pings(path, B, size=path.mtu - 28, count=5, more=('-M', 'do'))


def raw_frames(path, wanted):
    """Frames of both directions arrive octet for octet; in order, but not if
    flows may go by queues of their own."""
    notes = []
    for source, sink in ((path.a, path.b), (path.b, path.a)):
        tx, rx = frames.Wire(source, 'eth0'), frames.Wire(sink, 'eth0')
        for frame in wanted:
            tx.send(frame)
        got = rx.receive(len(wanted))
        if path.queues > 1:
            got.sort()
            wanted = sorted(wanted)
        tx.close()
        rx.close()
        if len(got) != len(wanted):
            notes.append('%d of %d frames arrived, of %s octets' % (
                len(got), len(wanted), [len(f) for f in got]))
        notes += [frames.differs(x, y) for x, y in zip(wanted, got) if x != y]
    return not notes, '\n'.join(notes)


def minimum(path):
    return raw_frames(path, [frames.udp4(60), frames.other(60),
                             frames.udp4(42 + len(frames.MARK)),
                             frames.udp4(61), frames.other(64)])


def maximum(path):
    return raw_frames(path, [frames.udp4(14 + path.mtu),
                             frames.other(13 + path.mtu)])


def vlan(path):
    one, two = (0x8100, 0x2005), (0x88a8, 7)
    return raw_frames(path, [frames.udp4(64, tags=[one]),
                             frames.udp4(1000, tags=[two, one]),
                             frames.udp4(18 + path.mtu, tags=[one]),
                             frames.udp4(64, tags=[(0x8100, 0)])])


def stream(path):
    """Thousands of frames of one flow, of any size: the same, in order."""
    dice = random.Random(1)
    sent = [frames.udp4(dice.randrange(60, 15 + path.mtu), number=i)
            for i in range(STREAM)]
    tx, rx = frames.Wire(path.a, 'eth0'), frames.Wire(path.b, 'eth0')
    got = []
    for i, frame in enumerate(sent):
        tx.send(frame)
        if i % 50 == 49:
            got += rx.receive(i + 1 - len(got))
    tx.close()
    rx.close()
    wrong = next((i for i, (x, y) in enumerate(zip(sent, got)) if x != y),
                 len(got))
    return got == sent, '%d of %d arrived, the first %d as sent' % (
        len(got), len(sent), wrong)


def segments(path, family=socket.AF_INET, to=B):
    """One send that the host leaves to its card to cut into 20 datagrams."""
    with path.b.inside():
        rx = socket.socket(family, socket.SOCK_DGRAM)
    rx.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    rx.bind((to, 7000))
    rx.settimeout(30)
    with path.a.inside():
        tx = socket.socket(family, socket.SOCK_DGRAM)
    tx.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    want = [bytes([i]) * 1000 for i in range(20)] + [b'tail']
    tx.sendto(b''.join(want), (to, 7000))
    got = []
    try:
        while len(got) < len(want):
            got.append(rx.recv(2000))
    except socket.timeout:
        pass
    tx.close()
    rx.close()
    notes = checksum_errors(path)
    return got == want and not notes, '\n'.join(
        ['%d datagrams of %d, %s octets' % (
            len(got), len(want), sorted({len(x) for x in got}))] + notes)


def segments6(path):
    return segments(path, socket.AF_INET6, B6)


def listening(net, port):
    """Whether somebody listens at this TCP port of the namespace."""
    with net.inside():
        for name in ('tcp', 'tcp6'):
            with open('/proc/thread-self/net/' + name) as f:
                if any(line.split()[1].endswith(':%04X' % port) and
                       line.split()[3] == '0A' for line in list(f)[1:]):
                    return True
    return False


def server(net, port, *cmd):
    """Starts 'cmd' unless it runs, and waits for it."""
    if not listening(net, port):
        net.start(*cmd)
        wait_until(lambda: listening(net, port))


def iperf(path, *options, to=B):
    """iperf3's closing numbers, or a complaint."""
    server(path.b, 5201, 'iperf3', '-s')
    for _ in range(100):
        done = path.a.run('iperf3', '-J', '-c', to, *options, seconds=120)
        try:
            report = json.loads(done.out)
        except ValueError:
            return None, done.out + done.err
        if 'busy' not in report.get('error', ''):
            break
        time.sleep(0.2)  # the server still ends the one before
    if 'error' in report:
        return None, report['error']
    return report['end'], ''


def share(path, rate, *options, seconds='2'):
    """TCP through what lets 'rate' through: (good, notes).  Never more, by the
    clock of the wall; once in five times at least about as much, by iperf3's,
    which a busy machine misleads, as it leaves hosts standing."""
    notes = []
    for _ in range(5):
        begun = time.monotonic()
        end, complaint = iperf(path, '-t', seconds, *options)
        took = time.monotonic() - begun
        if end is None:
            return False, complaint
        got = end['sum_received']
        notes.append('%.2f Mbit/s' % (got['bits_per_second'] / 1e6))
        if got['bytes'] * 8 > 1.05 * rate * took:
            return False, notes[-1] + ' in %.3f s' % took
        if 0.4 * rate < got['bits_per_second'] < 1.05 * rate:
            return True, ', '.join(notes)
    return False, ', '.join(notes)


def checksum_errors(path):
    found = [(host, {k: v for k, v in net.counters(*CHECKSUM_ERRORS).items()
                     if v}) for host, net in (('a', path.a), ('b', path.b))]
    return ['wrong checksums at %s: %s' % x for x in found if x[1]]


def tcp(path, *options, to=B):
    """All of it, however long it takes, within iperf()'s patience."""
    end, complaint = iperf(path, '-n', STREAM_SIZE, *options, to=to)
    if end is None:
        return False, complaint
    notes = checksum_errors(path)
    path.rate = end['sum_received']['bits_per_second']
    return path.rate > 0 and not notes, '\n'.join(
        ['%.0f Mbit/s' % (path.rate / 1e6)] + notes)


def tcp6(path):
    return tcp(path, to=B6)


def tcp_back(path):
    return tcp(path, '-R')


def many(path):
    """Eight connections, both ways at once: none starves, none errs.  A busy
    machine may not get to all of them in a second."""
    for seconds in 1, 5, 20:
        end, complaint = iperf(path, '-t', str(seconds), '-P', '4', '--bidir')
        if end is None:
            return False, complaint
        idle = [s for s in end['streams'] if s['receiver']['bytes'] == 0]
        if not idle:
            break
    notes = checksum_errors(path)
    rate = sum(end[k]['bits_per_second'] for k in
               ('sum_received', 'sum_received_bidir_reverse'))
    return not idle and not notes, '\n'.join(
        ['%.0f Mbit/s, %d of %d idle' % (rate / 1e6, len(idle),
                                         len(end['streams']))] + notes)


def udp(path):
    """Datagrams arrive.  A machine that leaves somebody standing for so long
    that his buffers overflow loses some: it gets another try, and slower ones."""
    for rate in '20M', '10M', '5M', '2M':
        end, complaint = iperf(path, '-u', '-b', rate, '-t', '1')
        if end is None:
            return False, complaint
        total = end['sum']
        arrived = total['packets'] - total['lost_packets']
        if arrived > total['packets'] / 2:
            break
    notes = checksum_errors(path)
    return arrived > total['packets'] / 2 and not notes, '\n'.join(
        ['%d of %d datagrams' % (arrived, total['packets'])] + notes)


def octets(lab):
    """A file without any order, made once; (name, digest)."""
    name = os.path.join(lab.dir, 'octets')
    if not os.path.exists(name):
        with open(name, 'wb') as f:
            for _ in range(MEGABYTES):
                f.write(os.urandom(1000000))
    if not hasattr(lab, 'digest'):
        lab.digest = digest(name)
    return name, lab.digest


def digest(name):
    with open(name, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


def curl(path):
    """A file arrives as it was."""
    name, want = octets(path.lab)
    server(path.b, 8000, sys.executable, '-m', 'http.server', '-d',
           os.path.dirname(name), '8000')
    got = name + '.got'
    done = path.a.run('curl', '-sS', '-o', got, '--max-time', '300',
                      'http://%s:8000/%s' % (B, os.path.basename(name)),
                      seconds=310)
    if done.code != 0:
        return False, done.err
    notes = checksum_errors(path)
    if digest(got) != want:
        notes.append('%d octets arrived, not the ones of the file' %
                     os.path.getsize(got))
    os.unlink(got)
    return not notes, '\n'.join(notes)


def single_frames(path):
    """The hosts leave nothing to the cable: what kipfw has to ask for where it
    cannot finish it."""
    for net in (path.a, path.b):
        net.must('ethtool', '-K', 'eth0', 'tso', 'off', 'gso', 'off',
                 'tx-udp-segmentation', 'off')


# Where a case is worth its time: over one kind of port, over a pair of kinds, and
# over a switch between two daemons.
ONE, PAIR, VIA = 1, 2, 3

EVERYTHING = [
    ('ping', ping4, VIA),
    ('ping, IPv6', ping6, VIA),
    ('fragments', fragments4, VIA),
    ('fragments, IPv6', fragments6, VIA),
    ('smallest frames', minimum, VIA),
    ('largest frames', maximum, VIA),
    ('VLAN tags', vlan, VIA),
    ('frames of any size', stream, VIA),
    ('UDP segments', segments, VIA),
    ('UDP segments, IPv6', segments6, ONE),
    ('TCP', tcp, VIA),
    ('TCP, other way', tcp_back, PAIR),
    ('TCP, IPv6', tcp6, ONE),
    ('TCP, eight ways', many, ONE),
    ('UDP', udp, VIA),
    ('curl of %d MB' % MEGABYTES, curl, VIA),
]


def run(report, path, cases=None):
    """The cases (EVERYTHING for such a path), as soon as it is ready."""
    if not report.ok(path.ready(), '%s: the hosts hear each other' % path,
                     path.story()):
        return
    where = VIA if path.via else 1 + (path.kinds[0] != path.kinds[1])
    for name, case, *_ in cases or [c for c in EVERYTHING if where <= c[2]]:
        try:
            good, notes = case(path)
        except RuntimeError as e:
            good, notes = False, str(e)
        report.ok(good, '%s: %s' % (path, name), notes, path.story())
        if good and len(notes) < 80:
            report.note(notes)
