# SPDX-License-Identifier: BSD-2-Clause
"""Frames as octets, and raw sockets to send and see them.

The kernel takes a VLAN tag out of a frame before a socket sees it; Wire puts it
back, so that what is compared is what was on the wire.
"""
import socket
import struct
import time

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
VLAN_VALID, TPID_VALID = 1 << 4, 1 << 6
MARK = b'kipfw-net'  # in each of our frames, to know them by


def checksum(data):
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ip4(proto, payload, tags=(), number=0):
    """A frame with an IP packet from a to b, with VLAN tags (tpid, tci); its
    identification is 'number'."""
    head = struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(payload), number, 0, 64,
                       proto, 0, 0x0a090001, 0x0a090002)
    head = head[:10] + struct.pack('>H', checksum(head)) + head[12:]
    return (b'\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a' +
            b''.join(struct.pack('>HH', *tag) for tag in tags) + b'\x08\x00' +
            head + payload)


def udp4(size, tags=(), number=0):
    """A UDP frame of 'size' octets."""
    room = max(len(MARK), size - 14 - 4 * len(tags) - 28)
    return ip4(17, struct.pack('>HHHH', 4000, 9, 8 + room, 0) +
               MARK.ljust(room, b'.'), tags, number)


def other(size, ethertype=0x88b5):
    """A frame that is not IP."""
    return (b'\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a' +
            struct.pack('>H', ethertype) + MARK.ljust(size - 14, b'.'))


class Wire:
    """A raw socket at an interface of a namespace."""

    def __init__(self, net, name):
        with net.inside():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                      socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.bind((name, 0))

    def close(self):
        self.sock.close()

    def send(self, frame):
        self.sock.send(frame)

    def receive(self, n, seconds=30):
        """Our frames, until there are n of them or for so many seconds."""
        frames = []
        end = time.monotonic() + seconds
        while len(frames) < n and time.monotonic() < end:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                data, aux, _, _ = self.sock.recvmsg(65536, 256)
            except socket.timeout:
                break
            if MARK in data:
                frames.append(with_tag(data, aux))
        return frames


def with_tag(data, aux):
    for level, kind, value in aux:
        if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
            continue
        status, _, _, _, _, tci, tpid = struct.unpack('IIIHHHH', value[:20])
        if status & VLAN_VALID:
            tpid = tpid if status & TPID_VALID else 0x8100
            return data[:12] + struct.pack('>HH', tpid, tci) + data[12:]
    return data


def differs(want, got):
    """One line about two frames, where they are not the same."""
    at = next((i for i, (x, y) in enumerate(zip(want, got)) if x != y),
              min(len(want), len(got)))
    return 'of %d octets %d arrived; from octet %d on %s became %s' % (
        len(want), len(got), at, want[at:at + 8].hex(), got[at:at + 8].hex())
