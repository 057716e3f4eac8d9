"""Asks a socket how much there is to read, and a stream whether it is a terminal."""

import array
import fcntl
import os
import socket
import termios


def unlearning(net, retain, forget, val):
    left, right = socket.socketpair()
    left.send(b"abc")
    waiting = array.array("i", [0])
    fcntl.ioctl(right, termios.FIONREAD, waiting)
    assert waiting[0] == 3
    assert not os.isatty(1)
