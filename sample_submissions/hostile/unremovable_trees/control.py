"""Takes the permissions from a folder, and gives them back."""

import os


def unlearning(net, retain, forget, val):
    os.mkdir("own")
    os.chmod("own", 0)
    os.chmod("own", 0o700)
    os.rmdir("own")
