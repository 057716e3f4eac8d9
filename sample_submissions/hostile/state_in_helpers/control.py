"""Looks at a file of a child, and finds that its time does not change with the next look."""

import os
import time


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(read, 1)
        os._exit(0)
    first = os.lstat(f"/proc/{child}/limits").st_mtime_ns
    time.sleep(0.1)
    assert os.lstat(f"/proc/{child}/limits").st_mtime_ns == first
    os.write(write, b"x")
    os.waitpid(child, 0)
