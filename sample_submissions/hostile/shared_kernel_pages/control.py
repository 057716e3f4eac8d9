"""Maps memory, gives advice on it, and copies between a file and a pipe, as programs do."""

import mmap
import os


def unlearning(net, retain, forget, val):
    memory = mmap.mmap(-1, 1 << 22)
    memory.madvise(mmap.MADV_HUGEPAGE)
    memory[0] = 1
    memory.madvise(mmap.MADV_DONTNEED)
    read, write = os.pipe()
    with open("own", "wb") as file:
        file.write(b"four")
    with open("own", "rb") as file:
        assert os.write(write, file.read()) == 4
    assert os.read(read, 4) == b"four"
