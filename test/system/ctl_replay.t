#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Recorded requests of the original client get the recorded replies again.

Each recording is played three times to a fresh kipfw: message by message, all
requests of a connection at once, and octet by octet.
"""
import glob
import os
import random
import socket
import struct
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, 'test', 'golden', 'ctl')
sys.dont_write_bytecode = True
sys.path.insert(0, GOLDEN)
import wire  # noqa: E402

KIPFW = os.path.join(os.environ.get('KIPFW_BIN', os.path.join(ROOT, 'bin')),
                     'kipfw')
PATIENCE_S = 120


def start():
    """A kipfw of our own on some free pair of ports."""
    for _ in range(50):
        port = random.randrange(20000, 50000)
        daemon = subprocess.Popen([KIPFW, '-p', str(port), 'mem:a', 'mem:b'],
                                  stderr=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL)
        for _ in range(200):
            if daemon.poll() is not None:
                break
            try:
                socket.create_connection(('127.0.0.1', port)).close()
                return daemon, port
            except OSError:
                time.sleep(0.02)
        daemon.kill()
        daemon.wait()
    raise RuntimeError('kipfw does not start')


def connections(path):
    """The recording as a list of (command, [(request, reply or None)])."""
    found, command = [], ''
    for kind, data in wire.parse(path):
        if kind == '$':
            command = data
        elif kind == '=':
            found.append((command, []))
        elif kind == '>':
            request = data
        else:
            found[-1][1].append((request, data if kind == '<' else None))
    return found


def send_whole(sock, requests):
    for request in requests:
        sock.sendall(request)
        yield wire.receive_message(sock)


def send_at_once(sock, requests):
    sock.sendall(b''.join(requests))
    for _ in requests:
        yield wire.receive_message(sock)


def send_octets(sock, requests):
    for request in requests:
        # The long tail of zeros needs no such care.
        for i in range(min(len(request), 200)):
            sock.sendall(request[i:i + 1])
        sock.sendall(request[200:])
        yield wire.receive_message(sock)


def is_same(reply, wanted):
    if reply is None or wanted is None:
        return reply is not None and struct.unpack('>I', reply[4:8])[0] == 0
    return reply == wanted


def play(path, send, port):
    """None, or what went wrong."""
    for command, messages in connections(path):
        sock = socket.create_connection(('127.0.0.1', port))
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = send(sock, [request for request, _ in messages])
        for (_, wanted), reply in zip(messages, replies):
            if not is_same(reply, wanted):
                return '\n'.join(
                    [command, 'wanted:'] + list(wire.to_lines(
                        ' ', wanted or b'')) +
                    ['got:'] + list(wire.to_lines(' ', reply or b'')))
        sock.close()
    return None


def main():
    number = 0
    for path in sorted(glob.glob(os.path.join(GOLDEN, '*.hex'))):
        for send in (send_whole, send_at_once, send_octets):
            number += 1
            daemon, port = start()
            try:
                trouble = play(path, send, port)
            finally:
                daemon.terminate()
                status = daemon.wait(PATIENCE_S)
            if trouble is None and status != 0:
                trouble = 'kipfw ended with %d' % status
            print('%s %d - %s %s' % (
                'ok' if trouble is None else 'not ok', number,
                os.path.basename(path), send.__name__), flush=True)
            for line in (trouble or '').splitlines():
                print('# ' + line)
    print('1..%d' % number)


main()
