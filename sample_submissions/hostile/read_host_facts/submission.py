"""Reads the host's boot parameters and its users' key counts; must be refused or find them empty."""

import contextlib


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in ("/proc/cmdline", "/sys/kernel/boot_params/data", "/proc/key-users"):
        with contextlib.suppress(OSError), open(name, "rb") as file:
            if found := file.read(100):
                raise Escaped(f"{name}: {found!r}")
