"""Touches a file of its own, and finds its time changed."""

import os
import time


def unlearning(net, retain, forget, val):
    begun = time.time() - 1
    with open("own", "w"):
        pass
    os.utime("own")
    assert os.stat("own").st_mtime >= begun
