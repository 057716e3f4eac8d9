"""Asks which filters apply, and makes a call that is refused, again in a child."""

import ctypes
import errno
import os

NEW_USER_NAMESPACE = 0x10000000


def is_refused(libc):
    ctypes.set_errno(0)
    return libc.unshare(NEW_USER_NAMESPACE) == -1 and ctypes.get_errno() == errno.EPERM


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/status") as status:
        assert "Seccomp:\t0" not in status.read()
    assert is_refused(libc)
    if os.fork() == 0:
        os._exit(0 if is_refused(libc) else 1)
    assert os.wait()[1] == 0
