"""Asks a pipe how much it holds, and a pidfd whether its process has ended."""

import array
import fcntl
import os
import select
import termios


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    os.write(write, b"four")
    waiting = array.array("i", [0])
    fcntl.ioctl(read, termios.FIONREAD, waiting)
    assert waiting[0] == 4
    try:
        number = os.pidfd_open(os.getpid())
    except OSError:
        return
    assert select.select([number], [], [], 0) == ([], [], [])
