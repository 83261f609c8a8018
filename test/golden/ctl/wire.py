#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Octets of the control protocol as text, and a recorder of such text.

    wire.py PORT CLIENT COMMANDS > FILE.hex

runs CLIENT (the original userspace ipfw, or ours) once for each line of
COMMANDS against the kipfw on 127.0.0.1:PORT, and writes down what went over
the wire.  test/system/ctl_replay.t sends the same requests again and compares.

A recording is lines of
    $ command           what the client was told to do
    =                   a new connection
    > 00 01 02 00*16    a request; "00*N" is N octets of zero
    < 00 01             its reply; "<?" = some reply without an error
Lines of the same kind in a row belong together up to the length that the
message's own header tells.
"""
import os
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time

HEADER = 16
SYSCTL_LIST = struct.pack('>I', 109)
WIDTH = 76


def receive(sock, size):
    data = b''
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


def receive_message(sock):
    """One message, header included; None at the end of the stream."""
    header = receive(sock, HEADER)
    if header is None:
        return None
    return header + receive(sock, struct.unpack('>I', header[:4])[0])


def tokens(data):
    at = 0
    while at < len(data):
        end = at
        while end < len(data) and data[end] == 0:
            end += 1
        if end - at >= 16:
            yield '00*%d' % (end - at)
            at = end
        else:
            yield '%02x' % data[at]
            at += 1


def to_lines(mark, data):
    line = mark
    for token in tokens(data):
        if len(line) + 1 + len(token) > WIDTH:
            yield line
            line = mark
        line += ' ' + token
    yield line


def from_tokens(words):
    data = b''
    for word in words:
        count = int(word[3:]) if word.startswith('00*') else 1
        data += bytes([int(word[:2], 16)]) * count
    return data


def parse(path):
    """Yields (kind, data): '$' command, '=' None, '>' and '<' octets, '<?'
    None."""
    open_kind, data = None, b''
    for line in open(path):
        kind, _, rest = line.rstrip('\n').partition(' ')
        if kind in ('', '#'):
            continue
        if kind in ('$', '=', '<?'):
            yield kind, rest or None
            continue
        assert open_kind in (None, kind), line
        open_kind, data = kind, data + from_tokens(rest.split())
        size = HEADER + struct.unpack('>I', data[:4])[0]
        if len(data) >= HEADER and len(data) >= size:
            assert len(data) == size, line
            yield kind, data
            open_kind, data = None, b''
    assert open_kind is None, path


def is_sysctl_list(request):
    return request[8:12] == SYSCTL_LIST and request[HEADER + 2] == 0x87


def relay(client, port, log):
    """Carries one connection's messages and notes them."""
    server = socket.create_connection(('127.0.0.1', port))
    log.append('=')
    while True:
        request = receive_message(client)
        if request is None:
            break
        server.sendall(request)
        reply = receive_message(server)
        log.extend(to_lines('>', request))
        # Sysctls come and go with versions; only that they come is noted.
        log.extend(['<?'] if is_sysctl_list(request) else
                   to_lines('<', reply))
        client.sendall(reply)
    server.close()
    client.close()


def record(port, client, commands):
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(8)
    log = []

    def accept():
        while True:
            relay(listener.accept()[0], port, log)

    threading.Thread(target=accept, daemon=True).start()
    env = dict(os.environ, IPFW_PORT=str(listener.getsockname()[1]))
    print('# Recorded between the original userspace client and kipfw;')
    print('# wire.py tells what the lines mean.')
    for line in open(commands):
        log.clear()
        subprocess.run([client] + shlex.split(line), env=env,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=20)
        time.sleep(0.05)
        print('\n$ ipfw ' + line.strip())
        print('\n'.join(log))


if __name__ == '__main__':
    record(int(sys.argv[1]), sys.argv[2], sys.argv[3])
