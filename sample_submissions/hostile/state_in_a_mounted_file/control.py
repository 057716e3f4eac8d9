"""Reads a file of its own, whose time tells when."""

import os
import time


def unlearning(net, retain, forget, val):
    with open("own", "w") as file:
        file.write("text")
    begun = time.time() - 1
    with open("own") as file:
        assert file.read()
    assert os.stat("own").st_atime >= begun
