"""Starts a chain of ten processes that ends before it returns."""

import os


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        for _ in range(9):
            if os.fork():
                os._exit(0)
        os._exit(0)
    os.close(write)
    assert os.read(read, 1) == b"", "all of the chain have ended"
    os.wait()
