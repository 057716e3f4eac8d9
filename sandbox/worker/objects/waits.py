"""What the kernel keeps of threads and processes that wait, changed something, or are copies of copies."""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

_CAPSET, _FUTEX, _SCHED_SETATTR = 126, 202, 314  # on x86-64
_FUTEX_LOCK_PI: Final = 6
_CAPABILITIES_3: Final = 0x2008_0522
_LONG_SECONDS: Final = 1e9
_POLLED: Final = 510
_MAPPINGS: Final = 4000

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)


def _thread(act: Callable[[], object]) -> None:
    """Start a thread that acts once and then waits for ever."""

    def live() -> None:
        act()
        time.sleep(_LONG_SECONDS)

    threading.stack_size(1 << 16)
    threading.Thread(target=live, daemon=True).start()


def polling_thread(index: int) -> None:
    """Wait at as many descriptors as the filter permits."""
    if index == 0:
        read = os.pipe()[0]
        polling_thread.fds = [os.dup(read) for _ in range(_POLLED)]  # type: ignore[attr-defined]
    poll = select.poll()
    for fd in polling_thread.fds:  # type: ignore[attr-defined]
        poll.register(fd)
    _thread(poll.poll)


def thread_at_a_lock(index: int) -> None:
    """Wait at a lock that lends its holder the priority of who waits."""
    if index == 0:
        word = mmap.mmap(-1, mmap.PAGESIZE)
        word.write(struct.pack("I", os.getpid()))
        thread_at_a_lock.word = ctypes.byref(ctypes.c_char.from_buffer(word))  # type: ignore[attr-defined]
    word_at = thread_at_a_lock.word  # type: ignore[attr-defined]
    _thread(lambda: _libc.syscall(_FUTEX, word_at, _FUTEX_LOCK_PI, 0, None, None, 0))


def thread_with_credentials(_index: int) -> None:
    """Give up capabilities that the thread does not have: it gets a record of its own."""
    _thread(lambda: _libc.syscall(_CAPSET, struct.pack("Ii", _CAPABILITIES_3, 0), bytes(24)))


def thread_with_a_policy(_index: int) -> None:
    """Choose how the thread is scheduled."""
    idle = struct.pack("IIQiIQQQ", 48, 5, 0, 0, 0, 0, 0, 0)  # SCHED_IDLE
    _thread(lambda: _libc.syscall(_SCHED_SETATTR, 0, idle, 0))


def other_program(_index: int) -> None:
    """Have a child execute another program."""
    if os.fork() == 0:
        os.execv("/bin/sleep", ["sleep", str(int(_LONG_SECONDS))])  # noqa: S606


def locked_split_mapping(index: int) -> None:
    """Lock a page, and split its mapping: protect the middle, grow it elsewhere."""
    address = _libc.mmap(None, 3 * mmap.PAGESIZE, 3, 0x22, -1, 0)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "refused")
    if index < 100:
        _libc.mlock(ctypes.c_void_p(address), mmap.PAGESIZE)
    if _libc.mprotect(ctypes.c_void_p(address + mmap.PAGESIZE), mmap.PAGESIZE, 1) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def copy_of_copies(index: int) -> None:
    """Fork from what was forked, with many mappings: each has a link to every process before.

    A link is counted; what is not are the tables in which the kernel finds a mapping.
    """
    if index == 0:
        for number in range(_MAPPINGS):
            address = _libc.mmap(None, mmap.PAGESIZE, 3 + number % 2 * 4, 0x22, -1, 0)
            ctypes.memset(address, 1, 1)
    if os.fork():  # only the last one reports
        time.sleep(_LONG_SECONDS)


KINDS: Final[dict[str, tuple[Callable[[int], object], int]]] = {
    "thread that polls": (polling_thread, 30),
    "thread at a lock": (thread_at_a_lock, 30),
    "thread with credentials": (thread_with_credentials, 30),
    "thread with a policy": (thread_with_a_policy, 30),
    "other program": (other_program, 20),
    "locked and split mapping": (locked_split_mapping, 15_000),
    "copy of copies": (copy_of_copies, 15),
}
"""As in `sandbox.worker.kernel_objects`."""
