"""Shares memory in the way that is allowed, under a name in /dev/shm."""

from multiprocessing import shared_memory


def unlearning(net, retain, forget, val):
    block = shared_memory.SharedMemory(create=True, size=4096)
    block.buf[0] = 1
    block.close()
    block.unlink()
