"""Reads all that /proc shows of other processes to their owner only; must be refused."""

import contextlib
import ctypes
import os

FILES = (
    "mem",
    "maps",
    "smaps",
    "environ",
    "auxv",
    "pagemap",
    "stack",
    "syscall",
    "io",
    "personality",
    "wchan",
)
LINKS = ("cwd", "root", "exe", "ns/mnt")
FOLDERS = ("fd", "fdinfo", "map_files")


class Escaped(Exception):
    """A forbidden action succeeded."""


def others():
    """Return all processes except this one."""
    return [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: the files of its own in /proc become accessible
    for process in others():
        for name in FILES:
            with contextlib.suppress(OSError), open(f"/proc/{process}/{name}", "rb") as file:
                if found := file.read(1).strip(b"0"):
                    raise Escaped(f"/proc/{process}/{name}: {found!r}")
        for name in LINKS:
            with contextlib.suppress(OSError):
                raise Escaped(f"/proc/{process}/{name} -> {os.readlink(f'/proc/{process}/{name}')}")
        for name in FOLDERS:
            with contextlib.suppress(OSError):
                raise Escaped(f"/proc/{process}/{name}: {os.listdir(f'/proc/{process}/{name}')}")
