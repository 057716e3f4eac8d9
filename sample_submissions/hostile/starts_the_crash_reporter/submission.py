"""Sets its limit of core dumps to 0, by every way, in a program too; it must stay 1.

Where crashes go to a program of the host, the kernel starts that program at every limit but 1.
"""

import ctypes
import os
import resource
import struct
import subprocess
import sys

PR_GET_DUMPABLE = 3
SETRLIMIT, PRLIMIT = {"x86_64": (160, 302), "aarch64": (164, 261)}[os.uname().machine]
UPPER_HALF = 1 << 32

libc = ctypes.CDLL(None, use_errno=True)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    if libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise Escaped("a run may be dumped")
    lower()
    here = os.path.abspath(__file__)
    program = subprocess.run([sys.executable, "-S", here], capture_output=True, text=True, check=False)
    if program.returncode != 0:
        raise Escaped(program.stderr)
    process = os.fork()
    if process == 0:
        os.abort()
    if os.WCOREDUMP(os.waitpid(process, 0)[1]):
        raise Escaped("a child was dumped")


def lower():
    """Ask for no core dumps at all, as a limit and as the highest that may be chosen."""
    for limit in ((0, 0), (0, 1)):
        try:
            resource.setrlimit(resource.RLIMIT_CORE, limit)
        except (OSError, ValueError):
            pass
        wanted = ctypes.create_string_buffer(struct.pack("QQ", *limit))
        for which in (resource.RLIMIT_CORE, resource.RLIMIT_CORE | UPPER_HALF):
            number = ctypes.c_ulong(which)
            libc.syscall(SETRLIMIT, number, wanted)
            for process in (0, os.getpid(), os.getppid()):
                libc.syscall(PRLIMIT, process, number, wanted, None)
    if resource.getrlimit(resource.RLIMIT_CORE) != (1, 1):
        raise Escaped(f"a limit of {resource.getrlimit(resource.RLIMIT_CORE)}")


if __name__ == "__main__":
    lower()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (64, 64), "another limit cannot be set any more"
