"""Makes one long system call, which the kernel lets run to its end, and then exceeds its time.

The container then waits until the processor time is paid back, its supervisor and janitor too. If that were
taken for a container that was paused, the run would be repeated, and never be judged.
"""

import os
import time

BLOCK = bytearray(32 << 20)


def unlearning(net, retain, forget, val):
    fd = os.open("/dev/urandom", os.O_RDONLY)
    begun = time.monotonic()
    os.readv(fd, [BLOCK] * 8)
    print(f"waited for {time.monotonic() - begun:.1f} s", flush=True)
    time.sleep(1000)
