"""Looks into folders in the middle of a second; the next run must not read when that was."""

import os
import time

FOLDERS = ("/dev", "/dev/pts", "/dev/mqueue", "/dev/shm", "/tmp")


def unlearning(net, retain, forget, val):
    time.sleep((0.5 - time.time()) % 1)
    for folder in filter(os.path.exists, FOLDERS):  # gVisor has no /dev/mqueue
        os.listdir(folder)
