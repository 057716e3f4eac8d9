"""Makes a long system call on each core that it can get, and tells how many; its share is one.

The kernel would make the whole container pay for that later, its supervisor too.
"""

import ctypes
import os
import threading

BLOCK = bytearray(1 << 20)


def unlearning(net, retain, forget, val):
    used = set()
    threads = [threading.Thread(target=burn, args=(used,)) for _ in range(os.cpu_count())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("cores in use:", len(used))


def burn(used):
    """One system call of about a second, with the core that the scheduler has chosen before and after."""
    libc = ctypes.CDLL(None)
    used.add(libc.sched_getcpu())
    fd = os.open("/dev/urandom", os.O_RDONLY)
    os.readv(fd, [BLOCK] * 300)
    used.add(libc.sched_getcpu())
