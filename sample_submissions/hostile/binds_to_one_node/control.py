"""Uses memory wherever the kernel finds it."""

import mmap


def unlearning(net, retain, forget, val):
    memory = mmap.mmap(-1, 1 << 20)
    memory.write(b"x" * (1 << 20))
