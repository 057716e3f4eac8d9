"""Attaches filters to sockets, and names mappings; neither is counted as its memory, so both must be refused."""

import contextlib
import ctypes
import mmap
import platform
import socket
import struct

INSTRUCTIONS = struct.pack("=HBBI", 0x06, 0, 0, 0xFFFF) * 200
OPTIONS = (26, 50, 51, 52)
"""SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF and SO_ATTACH_REUSEPORT_EBPF."""
PR_SET_VMA = 0x53564D41


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    buffer = ctypes.create_string_buffer(INSTRUCTIONS)
    program = struct.pack("HxxxxxxP", len(INSTRUCTIONS) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None)
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as unix:
            for option in OPTIONS:
                with contextlib.suppress(OSError):
                    unix.setsockopt(socket.SOL_SOCKET, option, program)
                    raise Escaped(f"option {option} of a socket")
            upper_half = ctypes.c_ulong(1 << 32 | socket.SOL_SOCKET)
            if platform.machine() == "x86_64" and 0 == libc.syscall(
                54, unix.fileno(), upper_half, 26, program, len(program)
            ):
                raise Escaped("a filter by the upper half of an argument")
    page = mmap.mmap(-1, mmap.PAGESIZE)
    place = ctypes.c_ulong(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    if libc.prctl(PR_SET_VMA, 0, place, ctypes.c_ulong(mmap.PAGESIZE), b"name") == 0:
        raise Escaped("a mapping was named")
