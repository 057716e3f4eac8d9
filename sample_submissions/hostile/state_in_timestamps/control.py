"""Touches its own file and a device, and finds both times changed."""

import os
import time


def unlearning(net, retain, forget, val):
    begun = time.time() - 1
    with open("own", "w"):
        pass
    for name in ("own", "/dev/null"):
        os.utime(name)
        assert os.stat(name).st_mtime >= begun
