"""Asks statx how many mounts the host has had, and what the disk below the image requires; must tell nothing."""

import ctypes
import struct

HERE = -100
MASKS = {"MNT_ID_UNIQUE": 0x4000, "DIOALIGN": 0x2000, "SUBVOL": 0x8000, "WRITE_ATOMIC": 0x10000}
FILES = (b"/", b"/etc/passwd", b"/tmp")


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    for file in FILES:
        for name, mask in MASKS.items():
            answer = ctypes.create_string_buffer(256)
            if libc.statx(HERE, file, 0, mask, answer) != 0:
                print(file, name, ctypes.get_errno())
                continue
            (granted,) = struct.unpack_from("I", answer)
            if granted & mask:
                raise Escaped(f"{file} has {name}: {answer.raw[0x90:0xC0].hex()}")
