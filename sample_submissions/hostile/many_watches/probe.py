"""Creates its own watches, epolls and locks."""

import ctypes
import os
import select


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.inotify_init1(0) >= 0, os.strerror(ctypes.get_errno())
    with select.epoll():
        pass
