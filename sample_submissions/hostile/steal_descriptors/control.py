"""Receives a descriptor from its own child."""

import os
import socket


def unlearning(net, retain, forget, val):
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    child = os.fork()
    if child == 0:
        read, write = os.pipe()
        os.write(write, b"sent")
        socket.send_fds(theirs, [b"x"], [read])
        os._exit(0)
    _message, descriptors, _flags, _address = socket.recv_fds(ours, 1, 1)
    assert os.read(descriptors[0], 4) == b"sent"
    os.waitpid(child, 0)
