"""Fills one pipe and one socket."""

import os
import socket


def unlearning(net, retain, forget, val):
    _read, write = os.pipe()
    one, _other = socket.socketpair()
    for fd in (write, one.fileno()):
        os.set_blocking(fd, False)
        assert os.write(fd, b"x" * 16_384) > 0
