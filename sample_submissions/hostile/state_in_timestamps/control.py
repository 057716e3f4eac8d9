"""Touches a file of its own and one of the devices, and finds both touched."""

import os
import time


def unlearning(net, retain, forget, val):
    begun = time.time() - 1
    with open("own", "w"):
        pass
    for name in ("own", "/dev/null"):
        os.utime(name)
        assert os.stat(name).st_mtime >= begun
