"""Sends a file without a name through a socket, and reads it there."""

import os
import socket
import tempfile


def unlearning(net, retain, forget, val):
    left, right = socket.socketpair()
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        file.write(b"sent")
        file.flush()
        socket.send_fds(left, [b"x"], [file.fileno()])
    _data, fds, _flags, _address = socket.recv_fds(right, 1, 1)
    assert os.pread(fds[0], 10, 0) == b"sent"
