"""Reads its own memory and its own descriptors."""

import ctypes
import os


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    kept = ctypes.create_string_buffer(b"my own bytes")
    with open("/proc/self/mem", "rb", 0) as memory:
        memory.seek(ctypes.addressof(kept))
        assert memory.read(12) == b"my own bytes"
    assert {"0", "1", "2"} <= set(os.listdir("/proc/self/fd"))
