"""Leaves a key in every keyring of the kernel that it can name; all must be refused."""

import ctypes

ADD_KEY = 248


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    for keyring in range(-8, 0):
        if libc.syscall(ADD_KEY, b"user", b"unlearn-hostile", b"a note", 6, keyring) >= 0:
            raise Escaped(f"a key in keyring {keyring}")
        print(keyring, ctypes.get_errno())
