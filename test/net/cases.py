# SPDX-License-Identifier: BSD-2-Clause
"""What must work over a path: each case returns (good, notes)."""
import hashlib
import json
import os
import re
import sys

import frames
from lab import wait_until

A, B, A6, B6 = '10.9.0.1', '10.9.0.2', 'fd09::1', 'fd09::2'
MEGABYTES = int(os.environ.get('NET_MEGABYTES', '100'))
CHECKSUM_ERRORS = ('TcpInCsumErrors', 'UdpInCsumErrors', 'IcmpInCsumErrors')


def ping(net, to, count=10, size=56, interval='0.02', more=()):
    """Replies, and the shortest, mean and longest round trip in ms."""
    done = net.run('ping', '-n', '-q', '-c', str(count), '-s', str(size), '-i',
                   interval, '-W', '2', *more, to)
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
    """Frames of both directions arrive octet for octet."""
    notes = []
    for source, sink in ((path.a, path.b), (path.b, path.a)):
        tx, rx = frames.Wire(source, 'eth0'), frames.Wire(sink, 'eth0')
        for frame in wanted:
            tx.send(frame)
        got = rx.receive(len(wanted))
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
    done = path.a.run('iperf3', '-J', '-c', to, *options, seconds=30)
    try:
        report = json.loads(done.out)
    except ValueError:
        return None, done.out + done.err
    if 'error' in report:
        return None, report['error']
    return report['end'], ''


def checksum_errors(path):
    found = [(host, {k: v for k, v in net.counters(*CHECKSUM_ERRORS).items()
                     if v}) for host, net in (('a', path.a), ('b', path.b))]
    return ['wrong checksums at %s: %s' % x for x in found if x[1]]


def tcp(path, *options, to=B):
    end, complaint = iperf(path, '-t', '1', *options, to=to)
    if end is None:
        return False, complaint
    notes = checksum_errors(path)
    path.rate = end['sum_received']['bits_per_second']
    return path.rate > 1e6 and not notes, '\n'.join(
        ['%.0f Mbit/s' % (path.rate / 1e6)] + notes)


def tcp6(path):
    return tcp(path, to=B6)


def tcp_back(path):
    return tcp(path, '-R')


def udp(path):
    end, complaint = iperf(path, '-u', '-b', '20M', '-t', '1')
    if end is None:
        return False, complaint
    notes = checksum_errors(path)
    total = end['sum']
    arrived = total['packets'] - total['lost_packets']
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
    done = path.a.run('curl', '-sS', '-o', got, '--max-time', '60',
                      'http://%s:8000/%s' % (B, os.path.basename(name)),
                      seconds=70)
    if done.code != 0:
        return False, done.err
    notes = checksum_errors(path)
    if digest(got) != want:
        notes.append('%d octets arrived, not the ones of the file' %
                     os.path.getsize(got))
    os.unlink(got)
    return not notes, '\n'.join(notes)


# name, function, and whether it is worth its time once more over a switch
EVERYTHING = [
    ('ping', ping4, True),
    ('ping, IPv6', ping6, True),
    ('fragments', fragments4, True),
    ('fragments, IPv6', fragments6, True),
    ('smallest frames', minimum, True),
    ('largest frames', maximum, True),
    ('VLAN tags', vlan, True),
    ('TCP', tcp, True),
    ('TCP, other way', tcp_back, False),
    ('TCP, IPv6', tcp6, False),
    ('UDP', udp, True),
    ('curl of %d MB' % MEGABYTES, curl, True),
]


def run(report, path, cases=None):
    """Every case over a path that is ready."""
    if not report.ok(path.ready(), '%s: the hosts hear each other' % path,
                     path.story()):
        return
    for name, case, again in cases or EVERYTHING:
        if path.via and not again:
            continue
        good, notes = case(path)
        report.ok(good, '%s: %s' % (path, name), notes, path.story())
        if good and len(notes.splitlines()) == 1:
            report.note(notes)
