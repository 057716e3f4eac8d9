"""Connects to listeners of its own that accept nothing; only a few connections may wait at each."""

import socket

MOST = 32
"""Many more than are allowed, many fewer than the kernel's default of 4096."""


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        listener = socket.socket(socket.AF_UNIX, kind)
        listener.bind(f"listener-{kind}")
        listener.listen(1 << 20)
        for number in range(4096):
            with socket.socket(socket.AF_UNIX, kind) as client:
                client.setblocking(False)
                try:
                    client.connect(f"listener-{kind}")
                except BlockingIOError:
                    break
            if number > MOST:
                raise Escaped(f"more than {MOST} connections wait")
