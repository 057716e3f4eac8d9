"""Takes the same locks, which must not block."""

import errno
import fcntl
import os

FILES = (
    "/etc/passwd",
    "/opt/unlearn/sandbox/worker/child.py",
    "/tmp",
    "/dev/shm",
    "/dev/null",
)


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    for name in FILES:
        try:
            fcntl.flock(os.open(name, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Escaped(f"a lock on {name}") from None
        except OSError as error:
            if error.errno != errno.ENOLCK:
                raise
