"""Searches all of its own memory for the mark of the run before."""

import ctypes
import re

PR_SET_DUMPABLE = 4


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    pattern = re.compile(b"M" + b"K([0-9a-f]{16})KM")
    with open("/proc/self/maps") as file:
        lines = file.read().splitlines()
    searched = 0
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in lines:
            columns = line.split()
            if "rw" not in columns[1] or (len(columns) > 5 and columns[5].startswith("[v")):
                continue
            at, end = (int(value, 16) for value in columns[0].split("-"))
            while at < end:
                try:
                    memory.seek(at)
                    data = memory.read(min(end - at, 1 << 24))
                except OSError:
                    break
                if not data:
                    break
                searched += len(data)
                if pattern.search(data):
                    raise Escaped(f"found it at {at:x}")
                at += len(data)
    assert searched > 1 << 20, "it could not read its own memory"
