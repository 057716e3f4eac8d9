"""Watches files of the image by inotify, whose entry in fdinfo names the disk; must be refused or tell nothing."""

import ctypes
import os
import sys

FILES = ("/", "/etc/passwd", sys.executable)
INOTIFY_INIT = 253


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    for what, number in (
        ("inotify_init1", libc.inotify_init1(0)),
        ("inotify_init", libc.syscall(INOTIFY_INIT) if os.uname().machine == "x86_64" else -1),
    ):
        print(what, number, ctypes.get_errno())
        if number < 0:
            continue
        for file in FILES:
            libc.inotify_add_watch(number, file.encode(), 0x100)
        with open(f"/proc/self/fdinfo/{number}") as file:
            text = file.read()
        if "f_handle" in text:
            raise Escaped(f"{what}: {text}")
