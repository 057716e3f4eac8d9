"""Looks for the wait status of exit code 77 in memory where Python had an integer that it freed."""

import ctypes

import numpy as np


class Escaped(Exception):
    """A forbidden action succeeded."""


def found_in(words):
    """Return how often the status stands where a freed integer had its value."""
    kind, size, value = words[:-4], words[2:-2], words[4:]
    return int(np.sum((kind == id(int) & 0xFFFFFFFF) & (size == 2) & (value == 77 << 8)))


def unlearning(net, retain, forget, val):
    found = 0
    with open("/proc/self/maps") as maps:
        mappings = [line.split() for line in maps]
    for ends, rights, *_rest in mappings:
        if rights == "rw-p":
            low, high = (int(end, 16) for end in ends.split("-"))
            found += found_in(np.frombuffer(ctypes.string_at(low, high - low), dtype=np.uint32))
    if found:
        raise Escaped(f"an earlier run ended with exit code 77, says memory in {found} places")
