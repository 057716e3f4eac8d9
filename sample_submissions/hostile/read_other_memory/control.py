"""Reads its own memory and its own descriptors."""

import ctypes
import os


def unlearning(net, retain, forget, val):
    kept = ctypes.create_string_buffer(b"my own bytes")
    assert ctypes.string_at(ctypes.addressof(kept), 12) == b"my own bytes"
    with open("/proc/self/maps") as maps:
        assert "[heap]" in maps.read()
    assert {"0", "1", "2"} <= set(os.listdir("/proc/self/fd"))
