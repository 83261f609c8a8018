#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""packet: and tap: between network namespaces, frame by frame: what hosts leave
to their cards is finished as the kernel itself would, tags stay, interfaces go
away and come back.  Namespaces have random names and are removed again."""
import contextlib
import ctypes
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BIN = os.environ.get('KIPFW_BIN', os.path.join(ROOT, 'bin'))
PATIENCE_S = 60
QUIET_S = 0.4  # nothing more comes
SOL_PACKET, AUXDATA, VNET_HDR, IGNORE_OUTGOING = 263, 8, 15, 23
TCP4, TCP6, UDP = 1, 4, 5
MSS = 1400
LIBC = ctypes.CDLL(None, use_errno=True)
MACS = b'\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a'


# ---- namespaces ----

class Lab:
    """left: eth0 -- fa :kipfw's: fb -- eth0 :right"""

    def __init__(self):
        stem = 'kp%08x' % random.getrandbits(32)
        self.left, self.fw, self.right = (stem + e for e in '1f2')
        self.daemon = None
        self.port = 0
        self.words = ()
        self.said = tempfile.TemporaryFile('w+')
        for ns in (self.left, self.fw, self.right):
            run('ip', 'netns', 'add', ns)
            run('ip', '-n', ns, 'link', 'set', 'lo', 'up')
            # Nothing but what the test sends.
            with inside(ns):
                for where in ('all', 'default'):
                    with open(f'/proc/sys/net/ipv6/conf/{where}/disable_ipv6',
                              'w') as f:
                        f.write('1')

    def veth(self, side, inner, mtu=1500):
        run('ip', '-n', side, 'link', 'add', 'eth0', 'mtu', mtu, 'type',
            'veth', 'peer', 'name', inner, 'mtu', mtu, 'netns', self.fw)
        run('ip', '-n', self.fw, 'link', 'set', inner, 'up')
        run('ip', '-n', side, 'link', 'set', 'eth0', 'up')

    def start(self, *words):
        self.stop()
        self.words = words
        for _ in range(20):
            self.port = random.randrange(20000, 50000)
            self.daemon = subprocess.Popen(
                ['ip', 'netns', 'exec', self.fw, os.path.join(BIN, 'kipfw'),
                 '-p', str(self.port), *words],
                stdout=self.said, stderr=subprocess.STDOUT)
            for _ in range(3000):
                if self.daemon.poll() is not None:
                    break
                if '65535' in self.ipfw('list'):
                    self.ipfw('add', '100', 'allow', 'ip', 'from', 'any', 'to',
                              'any')
                    return
                time.sleep(0.02)
            self.stop()
        raise RuntimeError('kipfw does not start: ' + self.text())

    def stop(self):
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
                raise
        self.daemon = None

    def text(self):
        self.said.seek(0)
        return self.said.read()

    def ipfw(self, *words):
        done = subprocess.run(
            ['ip', 'netns', 'exec', self.fw, os.path.join(BIN, 'ipfw'),
             *words], env=dict(os.environ, IPFW_PORT=str(self.port)),
            capture_output=True, text=True, timeout=PATIENCE_S)
        return done.stdout + done.stderr

    def close(self):
        try:
            self.stop()
        finally:
            for ns in (self.left, self.fw, self.right):
                subprocess.run(['ip', 'netns', 'del', ns],
                               stderr=subprocess.DEVNULL, check=False)


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f'{words}: {done.stderr}')
    return done.stdout


@contextlib.contextmanager
def inside(ns):
    with open('/proc/self/ns/net') as here, open('/run/netns/' + ns) as there:
        if LIBC.setns(there.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), 'setns')
        try:
            yield
        finally:
            LIBC.setns(here.fileno(), 0x40000000)


def no_checksums(ns, name):
    """What 'ethtool -K NAME tx off' does: the kernel finishes all itself."""
    value = ctypes.create_string_buffer(struct.pack('=II', 0x17, 0))
    request = struct.pack('16sP8x', name.encode(), ctypes.addressof(value))
    with inside(ns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8946, request)


class Wire:
    """Everything on an interface, by a socket of its own."""

    def __init__(self, ns, name):
        with inside(ns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sock.setsockopt(SOL_PACKET, VNET_HDR, 1)
            self.sock.setsockopt(SOL_PACKET, AUXDATA, 1)
            self.sock.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
            self.sock.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)
            self.sock.bind((name, 3))

    def send(self, frame, work=bytes(10)):
        self.sock.send(work + frame)

    def get(self, n, patience=PATIENCE_S):
        """The next n frames as [(work, frame)], or fewer."""
        got = []
        while len(got) < n:
            self.sock.settimeout(patience)
            try:
                data, extra, _, _ = self.sock.recvmsg(70000, 256)
            except (socket.timeout, OSError):
                break
            work, frame = data[:10], data[10:]
            for _, kind, aux in extra:
                status, _, _, _, _, tci, tpid = struct.unpack('IIIHHHH', aux)
                if kind == AUXDATA and status & 0x10:
                    frame = (frame[:12] + struct.pack('!HH', tpid, tci) +
                             frame[12:])
            if frame[:12] == MACS:
                got.append((work, frame))
        return got

    def frames(self, n, patience=PATIENCE_S):
        return [f for _, f in self.get(n, patience)]

    def close(self):
        self.sock.close()


# ---- frames ----

def total(data):
    if len(data) % 2:
        data += b'\0'
    s = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while s > 0xffff:
        s = (s & 0xffff) + (s >> 16)
    return s


def frame_of(kind, six, tags, payload, gso, mss=MSS, flags=0xd9):
    """A frame with its checksum, and perhaps its segmentation, left; and
    virtio's header that says so."""
    udp = kind == UDP
    proto = 17 if udp else 6
    if udp:
        head = struct.pack('!HHHH', 1000, 2000, 8 + len(payload), 0)
    else:
        head = struct.pack('!HHIIBBHHH12s', 1000, 2000, 0xfffff000, 5, 0x80,
                           flags, 600, 0, 0, b'\1\1\x08\x0a' + b'timestmp')
    size = len(head) + len(payload)
    if six:
        addrs = bytes(range(32))
        ip = struct.pack('!IHBB', 0x6ab00000, size, proto, 9) + addrs
    else:
        addrs = bytes((10, 9, 8, 7, 10, 9, 8, 6))
        ip = struct.pack('!BBHHHBBH', 0x45, 2, 20 + size, 0xfffe, 0x4000, 64,
                         proto, 0) + addrs
        ip = ip[:10] + struct.pack('!H', total(ip) ^ 0xffff) + ip[12:]
    at = 6 if udp else 16
    pseudo = total(addrs + struct.pack('!HH', proto, size))
    head = head[:at] + struct.pack('!H', pseudo) + head[at + 2:]
    ether = MACS + b''.join(struct.pack('!HH', t, 0x2005) for t in tags)
    ether += struct.pack('!H', 0x86dd if six else 0x800)
    start = len(ether) + len(ip)
    work = struct.pack('<BBHHHH', 1, kind if gso else 0, start + len(head),
                       mss if gso else 0, start, at)
    return ether + ip + head + payload, work


def plain(size, fill=0):
    return (MACS + b'\x88\xb5' + bytes([fill]) * size)[:size]


PAYLOAD = random.Random(5).randbytes(60000)
KINDS = [(TCP4, False, ()), (TCP6, True, ()), (UDP, False, ()),
         (UDP, True, ()), (TCP4, False, (0x8100,)),
         (TCP6, True, (0x88a8, 0x8100))]
SIZES = (MSS + 1, 2 * MSS, 10 * MSS, 60000)


def large_frames(udp_most=60000):
    for kind, six, tags in KINDS:
        for size in SIZES:
            if kind != UDP or size <= udp_most:
                yield (kind, six, tags, size), \
                    frame_of(kind, six, tags, PAYLOAD[:size], True)


# ---- tests ----

NUMBER = 0
BAD = 0


def ok(good, what, why=''):
    global NUMBER, BAD
    NUMBER += 1
    BAD += not good
    print(f'{"ok" if good else "not ok"} {NUMBER} - {what}')
    if not good:
        print('# ' + str(why)[:2000].replace('\n', '\n# '))
    sys.stdout.flush()


def segments_of_the_kernel(lab):
    """What the kernel makes of each large frame, when its card can nothing."""
    no_checksums(lab.left, 'eth0')
    want = {}
    tx, rx = Wire(lab.left, 'eth0'), Wire(lab.fw, 'fa')
    for key, (frame, work) in large_frames():
        tx.send(frame, work)
        n = (key[3] + MSS - 1) // MSS
        want[key] = rx.frames(n)
    tx.close()
    rx.close()
    return want


def same_segments(tx, rx, want):
    """Sends all large frames; the first difference, or ''."""
    for key, (frame, work) in large_frames():
        if key not in want:
            continue
        tx.send(frame, work)
        got = rx.frames(len(want[key]))
        if got != want[key]:
            bad = [i for i, (a, b) in enumerate(zip(got, want[key])) if a != b]
            return f'{key}: {len(got)} of {len(want[key])}, differ: {bad[:5]}'
    return '' if not rx.frames(1, QUIET_S) else 'more than that'


def same_whole(tx, rx, tail, wanted=lambda key: True):
    for key, (frame, work) in large_frames():
        if not wanted(key):
            continue
        tx.send(frame, work)
        got = rx.get(1)
        if len(got) != 1 or got[0][1] != frame or got[0][0][1] & 15 != key[0]:
            return f'{key}: {[(w, len(f)) for w, f in got]}'
    return '' if not rx.get(1, QUIET_S) else f'more than that {tail}'


def joined_again(tx, rx):
    """What was cut on the way in leaves as it came, if it is plain data."""
    for kind, six, tags in KINDS:
        frame, work = frame_of(kind, six, tags, PAYLOAD[:59999], True, MSS,
                               0x18)
        n = 1 if kind != UDP else (59999 + MSS - 1) // MSS
        tx.send(frame, work)
        got = rx.get(n)
        # The socket's own header does not count the tag, as ours does.
        if len(got) != n or (n == 1 and (
                got[0][1] != frame or got[0][0][:2] != work[:2] or
                got[0][0][4:6] != work[4:6])):
            return f'{kind} {six} {tags}: {[(w, len(f)) for w, f in got]}'
    return '' if not rx.get(1, QUIET_S) else 'more than that'


def rest(tx, rx):
    """Checksums alone, tags, sizes."""
    bad = []
    for kind, six, tags in KINDS:
        for size in (1, 2, 3, 700, 1301):
            frame, work = frame_of(kind, six, tags, PAYLOAD[:size], False)
            start, at = struct.unpack('<HH', work[6:])
            s = total(frame[start:]) ^ 0xffff
            want = (frame[:start + at] + struct.pack('!H', s or 0xffff) +
                    frame[start + at + 2:])
            tx.send(frame, work)
            if rx.frames(1) != [want]:
                bad.append((kind, six, tags, size))
    for size in (14, 15, 60, 64, 65, 1513, 1514):
        tx.send(plain(size, size & 255))
        if rx.frames(1) != [plain(size, size & 255)]:
            bad.append(size)
    return bad


def passes(tx, rx, seconds=PATIENCE_S):
    """Sends frames, each of another size, until the last one sent comes through:
    then none is late.  False if none does."""
    end = time.monotonic() + seconds
    size = 100
    while time.monotonic() < end:
        size = size + 1 if size < 1500 else 100
        try:
            tx.send(plain(size))
        except OSError:
            time.sleep(0.05)
        got = rx.frames(1, 0.1)
        while got:
            if len(got[0]) == size:
                return True
            got = rx.frames(1, 0.1)
    return False


def packet_tests(lab, want):
    tx, rx = Wire(lab.left, 'eth0'), Wire(lab.right, 'eth0')
    lab.start('packet:fa,segments', 'packet:fb')
    why = same_segments(tx, rx, want)
    ok(not why, 'packet: cuts as the kernel does', why)
    why = joined_again(tx, rx)
    ok(not why, 'packet: joins segments as they had been', why)
    bad = rest(tx, rx)
    ok(not bad, 'packet: finishes checksums, keeps tags and sizes', bad)
    host = Wire(lab.fw, 'fb')
    host.send(plain(200))
    ok(rx.frames(1) == [plain(200)] and not tx.frames(1, QUIET_S),
       'packet: does not receive what is sent by its interface')
    host.close()
    lab.start('packet:fa', 'packet:fb')
    why = same_whole(tx, rx, '')
    ok(not why, 'packet: to packet: passes large frames whole', why)
    counted = lab.ipfw('show', '100').split()[1]
    n = len(list(large_frames()))
    ok(counted == str(n), 'a large frame is one packet to the rules', counted)
    lab.ipfw('pipe', '1', 'config', 'delay', '1')
    lab.ipfw('add', '50', 'pipe', '1', 'udp', 'from', 'any', 'to', 'any')
    udp = {k: v for k, v in want.items() if k[0] == UDP}
    why = (same_segments(tx, rx, udp) or
           same_whole(tx, rx, 'beside a pipe', lambda key: key[0] != UDP))
    ok(not why, 'what goes to a pipe is cut, the rest stays whole', why)
    counted = lab.ipfw('show', '50').split()[1]
    ok(counted == str(len(udp)), 'a large frame is one to the rule of the pipe',
       counted)
    lab.ipfw('add', '40', 'count', 'ip', 'from', 'any', 'to', 'any', 'iplen',
             '1-100')
    why = same_segments(tx, rx, want)
    ok(not why, 'with rules that look at lengths beside a pipe all is cut', why)
    lab.ipfw('delete', '50')
    why = same_whole(tx, rx, 'without pipe')
    ok(not why, 'and whole again without', why)
    tx.close()
    rx.close()


def links_come_and_go(lab):
    tx, rx = Wire(lab.left, 'eth0'), Wire(lab.right, 'eth0')
    lab.start('packet:fa', 'packet:fb')
    run('ip', '-n', lab.fw, 'link', 'set', 'fa', 'down')
    run('ip', '-n', lab.fw, 'link', 'set', 'fb', 'down')
    time.sleep(0.1)
    run('ip', '-n', lab.fw, 'link', 'set', 'fa', 'up')
    run('ip', '-n', lab.fw, 'link', 'set', 'fb', 'up')
    ok(passes(tx, rx), 'packet: interfaces go down and up')
    tx.close()
    run('ip', '-n', lab.fw, 'link', 'set', 'fa', 'name', 'fz')
    tx = Wire(lab.left, 'eth0')
    ok(passes(tx, rx), 'packet: one gets another name')
    tx.close()
    run('ip', '-n', lab.fw, 'link', 'del', 'fz')
    time.sleep(0.1)
    rx.send(plain(99))  # to nowhere, and harmless
    lab.veth(lab.left, 'fa')
    tx = Wire(lab.left, 'eth0')
    ok(passes(tx, rx), 'packet: the way in is removed and made again')
    rx.close()
    run('ip', '-n', lab.fw, 'link', 'del', 'fb')
    passes(tx, tx, 0.3)
    lab.veth(lab.right, 'fb')
    rx = Wire(lab.right, 'eth0')
    ok(passes(tx, rx), 'packet: the way out is removed and made again')
    tx.close()
    rx.close()


def too_long(lab):
    for ns in (lab.left, lab.fw):
        run('ip', '-n', ns, 'link', 'set', 'eth0' if ns == lab.left else 'fa',
            'mtu', 9000)
    tx, rx = Wire(lab.left, 'eth0'), Wire(lab.right, 'eth0')
    lab.start('packet:fa', 'packet:fb')
    for i in range(5):
        tx.send(plain(1514 + 600 * (i % 2), i))
    tx.send(*frame_of(TCP4, False, (0x8100,), PAYLOAD[:9000], True, 1449))
    tx.send(*frame_of(TCP4, False, (0x8100,), PAYLOAD[:9000], True, 1448))
    got = rx.frames(4)
    ok([len(f) for f in got] == [1514] * 3 + [9070],
       'a frame longer than the MTU does not stop the next',
       [len(f) for f in got])
    lab.stop()
    ok('3 longer than the link takes' in lab.text(), 'and is counted',
       lab.text())
    for ns, name in ((lab.right, 'eth0'), (lab.fw, 'fb')):
        run('ip', '-n', ns, 'link', 'set', name, 'mtu', 9000)
    lab.start('packet:fa', 'packet:fb')
    tx.send(plain(9014, 7))
    ok(rx.frames(1) == [plain(9014, 7)], 'jumbo frames')
    tx.close()
    rx.close()


def tap_up(lab, ns, name):
    run('ip', '-n', lab.fw, 'link', 'set', name, 'netns', ns)
    run('ip', '-n', ns, 'link', 'set', name, 'up')


def tap_tests(lab, want):
    lab.start('tap:ta', 'packet:fb,segments')
    tap_up(lab, lab.left, 'ta')
    tx, rx = Wire(lab.left, 'ta'), Wire(lab.right, 'eth0')
    ok(passes(tx, rx), 'tap: made, moved to a namespace, passes')
    why = same_segments(tx, rx, want)
    ok(not why, 'tap: cuts as the kernel does', why)
    why = joined_again(rx, tx)
    ok(not why, 'tap: whole again what is whole', why)
    bad = rest(tx, rx)
    ok(not bad, 'tap: finishes checksums, keeps tags and sizes', bad)
    bad = rest(rx, tx)
    ok(not bad, 'and the other way round', bad)
    tx.close()
    lab.start('tap:ta', 'tap:tb')
    tap_up(lab, lab.left, 'ta')
    rx.close()
    tap_up(lab, lab.right, 'tb')
    tx, rx = Wire(lab.left, 'ta'), Wire(lab.right, 'tb')
    why = same_whole(tx, rx, '')
    ok(not why, 'tap: to tap: passes large frames whole', why)
    tx.close()
    rx.close()


def taps_come_and_go(lab):
    lab.start('tap:ta,persist,mtu=1400,mac=02:00:00:00:00:77', 'tap:tb')
    shown = run('ip', '-n', lab.fw, 'link', 'show', 'ta')
    ok('mtu 1400' in shown and '02:00:00:00:00:77' in shown and
       'LOWER_UP' in shown, 'tap: MTU, address, up', shown)
    run('ip', '-n', lab.fw, 'link', 'del', 'ta')
    run('ip', '-n', lab.fw, 'link', 'del', 'tb')
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        time.sleep(0.05)
        shown = run('ip', '-n', lab.fw, 'link')
        if ' ta: ' in shown and ' tb: ' in shown:
            break
    tx, rx = Wire(lab.fw, 'ta'), Wire(lab.fw, 'tb')
    ok(passes(tx, rx), 'tap: removed, it is made again', shown)
    tx.close()
    rx.close()
    lab.stop()
    shown = run('ip', '-n', lab.fw, 'link')
    ok(' ta: ' in shown and ' tb: ' not in shown,
       'tap: a persistent one stays, the other goes', shown)


def refusals(lab):
    def said(*ports):
        done = subprocess.run(
            ['ip', 'netns', 'exec', lab.fw, os.path.join(BIN, 'kipfw'), '-p',
             str(random.randrange(20000, 50000)), *ports],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return done.stderr if done.returncode != 0 else 'it started'

    for ports, words in ((('packet:nothere', 'sink:'), 'nothere: there is none of that name'),
                         (('packet:', 'sink:'), 'no name after the colon'),
                         (('packet:fa,slots=3', 'sink:'), 'from 32 to'),
                         (('tap:fb', 'sink:'), 'that is no tap'),
                         (('tap:ta', 'tap:ta'), 'another program holds'),
                         (('packet:fa,slots=64', 'packet:fa'), 'is that of'),
                         (('tap:tx', 'packet:tx'), 'is that of'),
                         (('xdp:fa', 'packet:fa'), 'is that of'),
                         (('tap:x%d', 'sink:'), 'no name of an interface'),
                         (('tap:x,mac=03:0:0:0:0:1', 'sink:'), 'a station')):
        text = said(*ports)
        ok(words in text, f'{ports[0]} is refused with a reason', text)


def main():
    lab = Lab()
    try:
        lab.veth(lab.left, 'fa')
        lab.veth(lab.right, 'fb')
        want = segments_of_the_kernel(lab)
        ok(all(len(v) == (k[3] + MSS - 1) // MSS for k, v in want.items()),
           'the kernel cuts', {k: len(v) for k, v in want.items()})
        run('ip', '-n', lab.fw, 'link', 'del', 'fa')
        lab.veth(lab.left, 'fa')
        packet_tests(lab, want)
        links_come_and_go(lab)
        too_long(lab)
        tap_tests(lab, want)
        taps_come_and_go(lab)
        refusals(lab)
    finally:
        lab.close()
    print(f'1..{NUMBER}')
    return BAD > 0


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
