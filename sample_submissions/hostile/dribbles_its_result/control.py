"""Sends bytes slowly through its own pipe."""

import os
import time


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    for _ in range(5):
        os.write(write, b"{")
        time.sleep(0.05)
    assert os.read(read, 100) == b"{{{{{"
