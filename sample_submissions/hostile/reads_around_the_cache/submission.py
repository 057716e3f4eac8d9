"""Opens files for reading around the cache in every way, and evicts pages; the disk must not notice."""

import contextlib
import ctypes
import fcntl
import os
import struct
import sys

OPENAT2 = 437
AT_FDCWD = -100
RWF_DONTCACHE = 0x80

libc = ctypes.CDLL(None, use_errno=True)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in (sys.executable, "/etc/passwd", "own"):
        with contextlib.suppress(OSError):
            os.open(name, os.O_RDWR | os.O_CREAT, 0o600) if name == "own" else None
        for flags in (os.O_RDONLY | os.O_DIRECT, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC):
            with contextlib.suppress(OSError):
                os.open(name, flags)
                raise Escaped("a file was opened for reading around the cache")
        how = struct.pack("QQQ", os.O_RDONLY | os.O_DIRECT, 0, 0)
        if libc.syscall(OPENAT2, AT_FDCWD, name.encode(), how, len(how)) >= 0:
            raise Escaped("openat2")
        fd = os.open(name, os.O_RDONLY)
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_DIRECT)
            raise Escaped("an open file was changed to reading around the cache")
        with contextlib.suppress(OSError):
            os.preadv(fd, [bytearray(4096)], 0, RWF_DONTCACHE)
            raise Escaped("a read dropped its pages from the cache")
    pipe, _ = os.pipe()
    # The kernel refuses advice on a pipe. Where it succeeds, it never came to the kernel.
    if libc.posix_fadvise(pipe, ctypes.c_long(0), ctypes.c_long(0), os.POSIX_FADV_DONTNEED) != 0:
        raise Escaped("advice to evict pages comes to the kernel")
