"""Watches its own folder and sends the watch through a socket."""

import ctypes
import os
import socket

libc = ctypes.CDLL(None)


def unlearning(net, retain, forget, val):
    instance = libc.inotify_init()
    assert libc.inotify_add_watch(instance, b".", 0x100) > 0
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], [instance])
    _data, fds, _flags, _address = socket.recv_fds(right, 1, 1)
    with open("watched", "w"):
        pass
    assert b"watched" in os.read(fds[0], 4096)
