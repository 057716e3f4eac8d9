"""Searches for message queues, by name and in their folder."""

import ctypes
import os


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(4):
        if libc.mq_open(b"/unlearn-hostile-%d" % number, os.O_RDONLY) >= 0:
            raise Escaped(f"queue {number}")
    if os.path.isdir("/dev/mqueue") and os.access("/dev/mqueue", os.R_OK) and os.listdir("/dev/mqueue"):
        raise Escaped("something in /dev/mqueue")
