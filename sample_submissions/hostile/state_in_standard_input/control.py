"""Reads descriptor 0, which is at its end, and locks its own file."""

import fcntl
import os


def unlearning(net, retain, forget, val):
    assert os.read(0, 1) == b""
    with open("own", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
