"""Asks a file for its size and a pipe for what it holds, as programs do."""

import array
import fcntl
import os
import termios


def unlearning(net, retain, forget, val):
    assert os.stat("/etc/passwd").st_size
    read, write = os.pipe()
    os.write(write, b"four")
    waiting = array.array("i", [0])
    fcntl.ioctl(read, termios.FIONREAD, waiting)
    assert waiting[0] == 4
