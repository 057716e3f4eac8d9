"""Searches all of its own memory for the mark of the run before."""

import ctypes
import re


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    pattern = re.compile(b"M" + b"K([0-9a-f]{16})KM")
    searched = 0
    with open("/proc/self/maps") as file:
        lines = file.read().splitlines()
    for line in lines:
        columns = line.split()
        if columns[1].startswith("rw") and (len(columns) == 5 or columns[5] in ("[heap]", "[stack]")):
            at, end = (int(value, 16) for value in columns[0].split("-"))
            if pattern.search((ctypes.c_char * (end - at)).from_address(at)):
                raise Escaped(f"found it at {at:x}")
            searched += end - at
    assert searched > 1 << 20, "it could not read its own memory"
