"""Leaves POSIX message queues with a message, if it can create any; the next run must find none."""

import ctypes
import os


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(4):
        queue = libc.mq_open(b"/unlearn-hostile-%d" % number, os.O_CREAT | os.O_RDWR, 0o666, None)
        print("queue", queue, ctypes.get_errno())
        if queue >= 0:
            libc.mq_send(queue, b"a note", 6, 0)
