"""Touches its own link and one of /dev, and finds both times changed."""

import os
import time


def unlearning(net, retain, forget, val):
    begun = time.time() - 1
    os.symlink("nowhere", "own")
    for name in ("own", "/dev/stdin"):
        os.utime(name, follow_symlinks=False)
        assert os.lstat(name).st_mtime >= begun
