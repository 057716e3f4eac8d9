"""Opens the stream's end in process 1, and all open files of other processes, to write; must be refused."""

import contextlib
import os

from sandbox.protocol.frames import encode


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for process in (name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()):
        for number in range(64):
            with contextlib.suppress(OSError), open(f"/proc/{process}/fd/{number}", "wb", 0) as file:
                file.write(encode("ended", index=0))
                raise Escaped(f"descriptor {number} of process {process}")
    for name in ("/dev/console", "/dev/tty", "/dev/tty0", "/dev/pts/0"):
        with contextlib.suppress(OSError), open(name, "wb", 0) as file:
            file.write(b"hello")
            raise Escaped(name)
