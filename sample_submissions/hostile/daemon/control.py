"""Starts a daemon, asks it to exit and waits until it has."""

import os


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    asked, ask = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.close(read)
        os.read(asked, 1)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    os.write(ask, b"x")
    assert os.read(read, 1) == b""
