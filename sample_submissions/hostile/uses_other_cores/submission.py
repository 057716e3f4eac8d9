"""Makes a long system call on each core that it can get, and tells how many; its share is one.

The kernel would make the whole container pay for that later, its supervisor too.
"""

import os
import threading

BLOCK = bytearray(1 << 20)


def unlearning(net, retain, forget, val):
    used = []
    threads = [threading.Thread(target=burn, args=(core, used)) for core in range(os.cpu_count())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("cores in use:", len(used))


def burn(core, used):
    """One system call of about a second."""
    try:
        os.sched_setaffinity(0, {core})
    except OSError as error:
        print(core, error)
        return
    used.append(core)
    fd = os.open("/dev/urandom", os.O_RDONLY)
    os.readv(fd, [BLOCK] * 300)
