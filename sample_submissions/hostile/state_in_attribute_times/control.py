"""Copies a file with its time and attributes, and reads the times of a file of the kernel."""

import os
import shutil
import time


def unlearning(net, retain, forget, val):
    with open("own", "w") as file:
        file.write("text")
    os.utime("own", (1, 1))
    shutil.copy2("own", "copy")
    assert os.stat("copy").st_mtime == 1
    assert os.stat("/proc/cpuinfo").st_mtime <= time.time()
