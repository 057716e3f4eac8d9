"""Creates files from threads of a process whose first thread has ended; the next run must find none of them.

Such a process has the state of a zombie, and its threads are in a system call when they are killed.
"""

import contextlib
import ctypes
import mmap
import os
import struct
import threading
import time

OPEN, CLOSE, UNLINK, EXIT = 2, 3, 87, 60
EXCLUSIVE = os.O_CREAT | os.O_EXCL | os.O_WRONLY
CODE = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
kept = []


class Escaped(Exception):
    """A forbidden action succeeded."""


def call(number, first=b"", second=b"", third=b""):
    """Return machine code for a system call; under the interpreter's lock, threads could not wait concurrently."""
    return b"\xb8" + struct.pack("<I", number) + first + second + third + b"\x0f\x05"


def maker(name):
    """Return a function that creates and removes a file forever."""
    text, page = ctypes.create_string_buffer(name), mmap.mmap(-1, mmap.PAGESIZE, prot=CODE)
    kept.extend((text, page))
    address = b"\x48\xbf" + struct.pack("<Q", ctypes.addressof(text))
    mode = b"\xbe" + struct.pack("<I", EXCLUSIVE), b"\xba" + struct.pack("<I", 0o600)
    code = call(OPEN, address, *mode) + call(CLOSE, b"\x89\xc7") + call(UNLINK, address)
    page.write(code + b"\xe9" + struct.pack("<i", -len(code) - 5))
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))


def unlearning(net, retain, forget, val):
    found = [name for name in os.listdir("/tmp") if name.startswith("late-")]
    if found:
        raise Escaped(f"an earlier run left {found[:3]}")
    if os.fork() == 0:
        with contextlib.suppress(OSError):  # gVisor has no such class
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        threading.stack_size(1 << 16)
        for number in range(200):
            threading.Thread(target=maker(b"/tmp/late-%d-%d" % (os.getuid(), number)), daemon=True).start()
        ctypes.CDLL(None).syscall(EXIT, 0)
    time.sleep(1)
