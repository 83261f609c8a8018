#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is particular to xdp: ports: their options and refusals, queues, frames
in several pieces, tags that travel beside the frame, memory that is shared."""
import os
import random
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
import frames
from lab import BIN, Lab, wait_until
from path import Kipfw, Path
from tap import Tap

report = Tap()


def refuses(net, text, *ports, code=69):
    """kipfw ends at once, and says this."""
    env = dict(os.environ, IPFW_PORT='5599', KIPFW_SHM=net.lab.dir)
    done = net.run(os.path.join(BIN, 'kipfw'), *ports, env=env)
    report.ok(done.code == code and text in done.err,
              'refused: %s' % ' '.join(ports), done.code, done.err)


def names(lab):
    """Two cables with nothing at their far ends, and names that are wrong."""
    net = lab.net()
    for name in ('ka', 'kb'):
        net.cable(name, net, name + 'x')
        net.ip('link set %s up' % name, 'link set %sx up' % name)
    refuses(net, 'none of that name', 'xdp:nope', 'xdp:kb')
    refuses(net, 'no name after the colon', 'xdp:', 'xdp:kb')
    refuses(net, 'is no number of a queue', 'xdp:ka/x', 'xdp:kb')
    refuses(net, 'there is no queue 3: it has 1', 'xdp:ka/3', 'xdp:kb')
    refuses(net, 'is not known here', 'xdp:ka,turbo', 'xdp:kb')
    refuses(net, 'do not go together', 'xdp:ka,generic,native', 'xdp:kb')
    refuses(net, 'do not go together', 'xdp:ka,copy,zerocopy', 'xdp:kb')
    refuses(net, 'none of socket, batch and live', 'xdp:ka,tx=foo', 'xdp:kb')
    refuses(net, 'not a number from', 'xdp:ka,frames=1', 'xdp:kb')
    refuses(net, 'cannot receive without a copy', 'xdp:ka,zerocopy', 'xdp:kb')
    refuses(net, 'another XDP program', 'xdp:ka', 'xdp:ka')
    for port in 'xdp:lo', 'packet:lo':
        refuses(net, 'make a port tap:NAME', port, 'xdp:kb')
    net.run('ip', 'tuntap', 'add', 'kt', 'mode', 'tun')
    refuses(net, 'no Ethernet', 'xdp:kt', 'xdp:kb')
    kipfw = Kipfw(net, ['xdp:ka,tx=batch',
                        'xdp:kb/0,generic,frames=512,tx=socket'])
    refuses(net, 'another XDP program', 'xdp:ka', 'xdp:kb')
    log = kipfw.log()
    report.ok('native mode, copy, 1 queue, mtu 1500, sends batches\n' in log and
              'generic mode, copy, 1 queue, mtu 1500\n' in log and
              log.count('ethtool') == 1 and
              'mended by: ethtool -K PEER txvlan off\n' in log,
              'says what it got', log)
    kipfw.stop()
    loops(net)
    lab.forget(net)


def loops(net):
    """Cables that lead from one port to another are refused, if what is sent
    would come back for ever; as patch cables they are fine."""
    for a in 'xdp:ka', 'packet:ka':
        for b in 'xdp:kax', 'packet:kax':
            refuses(net, "ports '%s' and '%s': a cable" % (b, a), a, b)
    refuses(net, 'would go round', 'packet:ka', 'packet:kb', 'packet:kbx',
            'packet:kax')
    kipfw = Kipfw(net, ['packet:ka', 'tap:ta', 'packet:kax', 'packet:kb'])
    report.ok(kipfw.stop() == 0, 'a cable from one pair to another',
              kipfw.log())


class Xdp(Path):
    """A path whose ports have these names."""

    def __init__(self, lab, left='xdp:ka', right='xdp:kb', mtu=1500,
                 queues=1):
        self.ports = [left, right]
        super().__init__(lab, ('xdp', 'xdp'), mtu=mtu, queues=queues)

    def __str__(self):
        return ' '.join(self.ports)

    def begin(self, options=()):
        self.daemons = [Kipfw(self.m, self.ports, options=options)]


def run(lab, table, **kw):
    with Xdp(lab, **kw) as path:
        cases.run(report, path, table)


def large(lab):
    """An MTU above a page: frames in pieces, there and back."""
    for mtu in (3500, 4078, 9000, 60000):
        print('# mtu %d' % mtu)
        run(lab, [('largest ping', cases.jumbo), ('TCP', cases.tcp),
                  ('largest frames', cases.maximum),
                  ('VLAN tags', cases.vlan)], mtu=mtu)


def streams(path):
    return cases.tcp(path, '-P', '6')


def channels(path, n):
    """n queues for kipfw's end of a cable and for the host's."""
    for net, name in ((path.m, 'ka'), (path.a, 'eth0')):
        net.must('ethtool', '-L', name, 'rx', str(n), 'tx', str(n))


class Grows(Xdp):
    """A path that has one queue less than it could have."""

    def begin(self, options=()):
        channels(self, self.queues - 1)
        super().begin(options)


def queues(lab):
    run(lab, [('TCP, six streams', streams), ('ping', cases.ping6)], queues=2)
    with Grows(lab, queues=3) as path:
        log = path.daemons[0].log
        report.ok('xdp:ka: native mode, copy, 2 queues' in log() and
                  path.ready(), 'every queue is read', path.story())
        channels(path, 3)
        report.ok(wait_until(lambda: 'xdp:ka: the interface has other queues'
                             in log() and 'copy, 3 queues, mtu' in log()),
                  'queues that come later', path.story())
        good, notes = streams(path)
        report.ok(good, 'TCP by three queues', notes, path.story())


def other_ways(lab):
    ping = [('ping', cases.ping4), ('smallest frames', cases.minimum)]
    tcp = [('TCP', cases.tcp)]
    run(lab, ping + tcp, left='xdp:ka,busy-poll', right='xdp:kb,copy,native')
    run(lab, ping + tcp, left='xdp:ka,tx=socket', right='xdp:kb,tx=socket')
    run(lab, ping + tcp, left='xdp:ka,tx=batch', right='xdp:kb,tx=socket')
    run(lab, ping + tcp, left='xdp:ka,frames=130', right='xdp:kb,frames=5000')
    run(lab, ping, left='xdp:ka,generic', right='xdp:kb,skb')


def polls(far, on):
    """The far end of a cable polls, or does not."""
    far.must('ethtool', '-K', 'eth0', 'gro', 'on' if on else 'off')


def live_or_not(net, far):
    kipfw = Kipfw(net, ['xdp:ka,tx=live', 'sink:'])
    no = ('xdp:ka,tx=live: the interface takes no live frames: batches instead; '
          'mended by: ethtool -K PEER gro on\n')
    yes = 'xdp:ka,tx=live: sends live frames\n'
    report.ok(no in kipfw.log() and yes not in kipfw.log(),
              'a neighbour that does not poll', kipfw.log())
    polls(far, True)
    good = wait_until(lambda: yes in kipfw.log())
    polls(far, False)
    report.ok(good and wait_until(lambda: kipfw.log().count(no) == 2),
              'one that begins, and ceases', kipfw.log())
    kipfw.stop()


def is_among(got, sent):
    """Nothing else came, and in order."""
    left = iter(sent)
    return all(frame in left for frame in got)


def live(lab):
    """Live frames are the frames that were to be sent, whatever their length."""
    net, far = lab.net(), lab.net()
    net.cable('ka', far, 'eth0', 4000)
    net.up('ka')
    far.up('eth0')
    live_or_not(net, far)
    polls(far, True)
    dice = random.Random(1)
    sent = [frames.other(23) + dice.randbytes(dice.randrange(2 if i > 500 else
            30, 3992 if i > 500 else 3049)) for i in range(1000)]
    capture = os.path.join(lab.dir, 'burst.pcap')
    with open(capture, 'wb') as f:
        f.write(struct.pack('=IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in sent:
            f.write(struct.pack('=IIII', 0, 0, len(frame), len(frame)) + frame)
    rx = frames.Wire(far, 'eth0')
    rx.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE
    for _ in range(5):  # a machine with too much to do may lose some
        kipfw = Kipfw(net, ['pcap:in=%s,speed=asap' % capture,
                            'xdp:ka,tx=live'])  # which does not end by itself
        got = rx.receive(len(sent), 10)
        kipfw.stop()
        if got == sent or not is_among(got, sent):
            break
    counts = net.must('ethtool', '-S', 'ka')
    n_live = int(counts.split('tx_queue_0_xdp_xmit:')[1].split()[0])
    report.ok(got == sent and n_live >= 256, 'live frames arrive',
              '%d of %d, %d live' % (len(got), len(sent), n_live),
              kipfw.log())
    lab.forget(net, far)
    with Xdp(lab, left='xdp:ka,tx=live', right='xdp:kb,tx=live') as path:
        polls(path.a, True)
        polls(path.b, True)
        cases.run(report, path, [('ping', cases.ping4), ('TCP', cases.tcp),
                                 ('in order', cases.stream)])


def segments(lab):
    """In generic mode segments come whole: TCP is cut here, the rest is dropped
    with a word about the line that ends it, and that line does."""
    with Xdp(lab, left='xdp:ka,generic', right='xdp:kb,generic') as path:
        path.ready()
        log = path.daemons[0].log
        for what, case in (('TCP', cases.tcp), ('TCP, IPv6', cases.tcp6),
                           ('eight connections', cases.many)):
            good, notes = case(path)
            report.ok(good, 'merged segments: ' + what, notes, path.story())
        report.ok('dropped' not in log(), 'none was dropped', log())
        cases.segments(path)
        wait_until(lambda: 'are dropped; ended by' in log())
        report.ok(log().count('and not TCP are dropped; ended by: ethtool -K '
                              'PEER tso off gso off\n') in (1, 2),
                  'merged segments: UDP', log())
        cases.single_frames(path)
        for what, case in ('TCP', cases.tcp), ('UDP', cases.segments):
            good, notes = case(path)
            report.ok(good, 'single segments: ' + what, notes, path.story())


def tag_beside(lab):
    """A frame whose VLAN tag was taken out by a bridge behind the cable."""
    with Xdp(lab) as path:
        path.ready()
        far = lab.net()
        far.cable('eth0', path.a, 'q')
        far.up('eth0')
        path.a.ip('link add br0 type bridge', 'link set br0 up',
                  'link set q master br0', 'link set eth0 master br0',
                  'link set q up')
        rx = frames.Wire(path.b, 'eth0')
        tx = frames.Wire(far, 'eth0')
        tagged = frames.udp4(64, tags=[(0x8100, 0x2007)])
        got = []

        def arrived():
            tx.send(tagged)
            got[:] = rx.receive(1, 1)
            return got

        wait_until(arrived)
        report.ok(got and got[0] == tagged, 'a tag beside the frame is put '
                  'back', got and frames.differs(tagged, got[0]))
        lab.forget(far)


def tunnels(lab):
    """Hosts leave checksums inside tunnels to the cable, too; nothing tells."""
    with Xdp(lab) as path:
        path.ready()
        for net, ours, other in ((path.a, 1, 2), (path.b, 2, 1)):
            net.ip('link add vx mtu 1400 type vxlan id 5 dstport 4789 '
                   'dev eth0 remote 10.9.0.%d' % other)
            net.up('vx', '10.50.0.%d/24' % ours)
        good, notes = cases.tcp(path, to='10.50.0.2')
        report.ok(good, 'TCP in a VXLAN', notes, path.story())


def taken_over(lab):
    """kill -9 under a flood of pings, ten times: each successor gets all."""
    with Xdp(lab) as path:
        path.ready()
        flood = path.a.start('ping', '-n', '-q', '-f', cases.B)
        good = 0
        for _ in range(10):
            path.daemons[0].stop(signal.SIGKILL)
            path.daemons[0].start()
            good += bool(path.ready())
        flood.send_signal(signal.SIGINT)
        report.ok(good == 10, 'killed ten times', good, path.story())
        for _ in range(10):  # frames are found again
            path.m.ip('link del ka')
            path.connect('ka')
            good += bool(path.ready())
        report.ok(good == 20, 'removed ten times', good, path.story())
        path.daemons[0].ipfw('zero')
        time.sleep(0.3)
        good, notes = cases.tcp(path)
        report.ok(good, 'as before', notes, path.story())


with Lab() as lab:
    for part in sys.argv[1:] or ('names', 'large', 'queues', 'other_ways',
                                 'live', 'segments', 'tag_beside', 'tunnels',
                                 'taken_over'):
        globals()[part](lab)
report.end()
