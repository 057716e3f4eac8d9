"""Shares memory in the permitted way, under a name in /dev/shm."""

from multiprocessing import shared_memory


def unlearning(net, retain, forget, val):
    block = shared_memory.SharedMemory(create=True, size=4096)
    block.buf[0] = 1
    block.close()
    block.unlink()
