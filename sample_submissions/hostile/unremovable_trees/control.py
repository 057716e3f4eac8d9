"""Removes the permissions of a folder, and restores them."""

import os


def unlearning(net, retain, forget, val):
    os.mkdir("own")
    os.chmod("own", 0)
    os.chmod("own", 0o700)
    os.rmdir("own")
