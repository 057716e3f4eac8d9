"""Fills the log's pipe from several processes, and returns."""

import fcntl
import os

F_SETPIPE_SZ = 1031


def unlearning(net, retain, forget, val):
    fcntl.fcntl(1, F_SETPIPE_SZ, 1 << 20)
    for _ in range(4):
        if os.fork() == 0:
            os.write(1, b"much " * 200_000)
            os._exit(0)
    for _ in range(4):
        os.wait()
