"""Returns memory to the kernel, as memory allocators do."""

import mmap


def unlearning(net, retain, forget, val):
    memory = mmap.mmap(-1, 1 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[:1] = b"x"
    memory.madvise(mmap.MADV_DONTNEED)
    assert memory[:1] == b"\0"
