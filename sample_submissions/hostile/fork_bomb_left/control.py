"""Starts twenty processes and waits until they have ended."""

import os


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    for _ in range(20):
        if os.fork() == 0:
            os.read(read, 1)
            os._exit(0)
    os.write(write, b"x" * 20)
    for _ in range(20):
        os.wait()
