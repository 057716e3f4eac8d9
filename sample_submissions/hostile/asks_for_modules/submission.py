"""Asks a socket what the kernel answers with a module, and what it answers with a lock of the whole host."""

import ctypes
import errno
import socket

QUESTIONS = {
    "SIOCGIFBR": 0x8940,  # loads bridge, or starts modprobe each time
    "SIOCSIFBR": 0x8941,
    "SIOCETHTOOL": 0x8946,  # reads memory of the caller with the lock of all network interfaces
    "SIOCGIFVLAN": 0x8982,  # loads 8021q
    "SIOCSIFVLAN": 0x8983,
    "SIOCBRADDBR": 0x89A0,
}
UPPER_HALF = 1 << 32


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    argument = ctypes.create_string_buffer(b"lo", 512)
    for unix in socket.socketpair():
        for name, number in QUESTIONS.items():
            for value in (number, number | UPPER_HALF):
                ctypes.set_errno(0)
                result = libc.ioctl(unix.fileno(), ctypes.c_ulong(value), argument)
                if result != -1 or ctypes.get_errno() != errno.ENOTTY:
                    raise Escaped(f"{name} got as far as {errno.errorcode.get(ctypes.get_errno())}")
