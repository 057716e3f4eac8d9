"""Watches its folder as programs do, by inotify."""

import ctypes
import fcntl
import os


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    watches = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(watches, b".", 0x100) > 0
    with open("new", "w") as file:
        assert fcntl.fcntl(file, fcntl.F_GETFL) & os.O_WRONLY
    assert b"new" in os.read(watches, 4096)
