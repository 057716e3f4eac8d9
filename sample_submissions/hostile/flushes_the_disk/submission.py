"""Writes back every file that it can open, by every call; none may reach the host's disk.

The calls succeed, and the disk's count of flushes, where it can be read, does not move with them.
"""

import ctypes
import os
import sys

FILES = (
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/passwd",
    sys.executable,
    "/opt/unlearn",
    "/",
)
CALLS = 300

libc = ctypes.CDLL(None, use_errno=True)


class Escaped(Exception):
    """A forbidden action succeeded."""


def flushes():
    """Return the number of flushes of all disks together, or None if the host does not tell."""
    try:
        with open("/proc/diskstats") as file:
            rows = [line.split() for line in file]
    except OSError:
        return None
    return sum(int(row[18]) for row in rows if len(row) > 18) if rows else None


def unlearning(net, retain, forget, val):
    before = flushes()
    for name in FILES:
        try:
            fd = os.open(name, os.O_RDONLY)
        except OSError:
            continue
        for _ in range(CALLS):
            os.fsync(fd)
            os.fdatasync(fd)
            libc.syncfs(fd)
            libc.sync_file_range(fd, ctypes.c_long(0), ctypes.c_long(0), 7)
        os.close(fd)
    os.sync()
    after = flushes()
    made = CALLS * 4 * len(FILES)
    # Other programs of the host write too, but not so often in so short a time.
    if before is not None and after - before > made / 10:
        raise Escaped(f"{after - before} flushes of the host's disk")
    print(before, after)
