"""Sends a descriptor through a socket and reads from it at the other end."""

import os
import socket


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    os.write(write, b"x")
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], [read])
    _data, fds, _flags, _address = socket.recv_fds(right, 1, 1)
    assert os.read(fds[0], 1) == b"x"
