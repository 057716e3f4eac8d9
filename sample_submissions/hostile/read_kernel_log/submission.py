"""Reads dmesg in every possible way, and the keys; must be refused or find nothing."""

import contextlib
import ctypes
import os
import subprocess

READ_ALL, SIZE_BUFFER = 3, 10


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in ("/proc/kmsg", "/dev/kmsg", "/proc/keys", "/var/log/dmesg", "/var/log/syslog"):
        with contextlib.suppress(OSError):
            descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
            if found := os.read(descriptor, 4096):
                raise Escaped(f"{name}: {found[:80]!r}")
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(4096)
    for action in (READ_ALL, SIZE_BUFFER):
        if libc.klogctl(action, buffer, 4096) >= 0:
            raise Escaped(f"syslog({action}): {buffer.value[:80]!r}")
    with contextlib.suppress(FileNotFoundError):
        if found := subprocess.run(["dmesg"], capture_output=True, check=False).stdout:
            raise Escaped(f"dmesg: {found[:80]!r}")
