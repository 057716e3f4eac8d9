"""Asks what programs ask of files, pipes and terminals."""

import array
import fcntl
import os
import shutil
import termios


def unlearning(net, retain, forget, val):
    read_end, write_end = os.pipe()
    os.write(write_end, b"four")
    waiting = array.array("i", [0])
    fcntl.ioctl(read_end, termios.FIONREAD, waiting)
    assert waiting[0] == 4
    os.set_blocking(read_end, False)
    os.set_inheritable(read_end, True)
    assert not os.isatty(read_end)
    assert shutil.get_terminal_size().columns > 0
