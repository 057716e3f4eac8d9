"""Becomes root, another run or another group; raises capabilities and secure bits; must be refused."""

import ctypes
import errno
import os

SET_KEEPCAPS, SET_SECUREBITS, CAP_AMBIENT, AMBIENT_RAISE, SET_NO_NEW_PRIVS, SET_MM = 8, 28, 47, 2, 38, 35
CAPSET = 126


class Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


class Escaped(Exception):
    """A forbidden action succeeded."""


REFUSALS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS}
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def refused(what, function, *arguments):
    """Call, and require that it fails for missing permission, not for its arguments."""
    ctypes.set_errno(0)
    if function(*arguments) != -1:
        raise Escaped(f"{what} succeeded")
    if ctypes.get_errno() not in REFUSALS:
        raise Escaped(f"{what} got as far as {errno.errorcode.get(ctypes.get_errno())}")


def unlearning(net, retain, forget, val):
    own = os.getuid()
    for number in (0, 65534, own - 1, own + 1):
        for change in (os.setuid, os.seteuid, os.setgid, os.setegid):
            try:
                change(number)
            except PermissionError:
                continue
            raise Escaped(f"{change.__name__}({number})")
    for groups in ([], [0], [2000, 2001]):
        try:
            os.setgroups(groups)
        except PermissionError:
            continue
        raise Escaped(f"groups {groups}")
    libc.setfsuid(0)
    if libc.setfsuid(-1) != own:
        raise Escaped("setfsuid(0)")
    header = Header(0x20080522, 0)
    refused("capset", libc.syscall, CAPSET, ctypes.byref(header), (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6))
    refused("secure bits", libc.prctl, SET_SECUREBITS, 0x2F, 0, 0, 0)
    refused("ambient capability", libc.prctl, CAP_AMBIENT, AMBIENT_RAISE, 21, 0, 0)
    if libc.prctl(SET_NO_NEW_PRIVS, 0, 0, 0, 0) != -1:
        raise Escaped("no_new_privs was taken back")
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file if ":" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        if int(status[name], 16):
            raise Escaped(f"{name} is {status[name].strip()}")
    if status["NoNewPrivs"].strip() != "1":
        raise Escaped("no_new_privs is not set")
