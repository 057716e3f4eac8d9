"""Calls `unshare` of 32 bits and of x32 from a page of machine code; must be refused or end the run."""

import ctypes
import mmap


class Escaped(Exception):
    """A forbidden action succeeded."""


def call(code):
    """Run machine code that returns a number."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()


def unlearning(net, retain, forget, val):
    x32 = b"\xbf\x00\x00\x00\x10" + b"\xb8\x10\x01\x00\x40" + b"\x0f\x05" + b"\xc3"
    if call(x32) >= 0:
        raise Escaped("unshare by the x32 number")
    # unshare(CLONE_NEWUSER) is number 310 of int 0x80; rbx belongs to the caller
    i386 = b"\x53" + b"\xbb\x00\x00\x00\x10" + b"\xb8\x36\x01\x00\x00" + b"\xcd\x80" + b"\x5b" + b"\xc3"
    if call(i386) >= 0:
        raise Escaped("unshare by the 32-bit number")
