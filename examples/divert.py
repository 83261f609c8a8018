#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Listens to what kipfw diverts, tells of it, and gives it back.

    kipfw --divert /run/kipfw.divert valeA:f valeB:f
    ipfw add 100 divert 1000 udp from any to any
    examples/divert.py /run/kipfw.divert 1000

A packet that is given back goes on at the first rule with a number above 100.
One that is not is gone: with a third word, those whose octets hold it are kept.
Copies (tee) are only told of.  The messages are those of kipfw_divert.h.
"""
import socket
import struct
import sys

HELLO = struct.Struct('=IHHi')              # magic, port, zero, error
PACKET = struct.Struct('=HHHBBII16s16s')    # rule, port, lane, dir, flags, len,
MAGIC, TEE = 0x6b647631, 1                  # mark, in_if, out_if; the frame


def connect(path, port):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)
    s.send(HELLO.pack(MAGIC, port, 0, 0))
    error = HELLO.unpack(s.recv(HELLO.size))[3]
    if error:
        raise OSError(error, 'port %d' % port)
    return s


def main(path, port, word=None):
    s = connect(path, int(port))
    print('listening', flush=True)
    while message := s.recv(65536 + PACKET.size):
        (rule, _, _, _, flags, length, mark, in_if,
         out_if) = PACKET.unpack_from(message)
        frame = message[PACKET.size:]
        keep = word is not None and word.encode() in frame
        print('rule %d: %d octets, %s -> %s, mark %#x%s' %
              (rule, length, in_if.rstrip(b'\0').decode(),
               out_if.rstrip(b'\0').decode(), mark,
               ', a copy' if flags & TEE else ', kept' if keep else ''),
              flush=True)
        if not keep and not flags & TEE:
            s.send(message)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
