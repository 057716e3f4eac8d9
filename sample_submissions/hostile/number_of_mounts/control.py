"""Asks statx for what programs ask."""

import ctypes
import os
import struct

BASIC_AND_BIRTH = 0xFFF


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    answer = ctypes.create_string_buffer(256)
    assert libc.statx(-100, b"/etc/passwd", 0, BASIC_AND_BIRTH, answer) == 0
    (size,) = struct.unpack_from("Q", answer, 0x28)
    assert size == os.stat("/etc/passwd").st_size
