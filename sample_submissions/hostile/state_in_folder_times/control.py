"""Looks into a folder of its own, and finds its time changed."""

import os
import time


def unlearning(net, retain, forget, val):
    begun = time.time() - 1
    os.mkdir("own")
    os.listdir("own")
    assert os.stat("own").st_atime >= begun
