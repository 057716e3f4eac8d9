"""Writes 8 MiB into each folder."""

import os


def unlearning(net, retain, forget, val):
    for folder in ("/tmp", "/dev/shm", os.getcwd()):
        with open(f"{folder}/own", "wb") as file:
            file.write(bytes(8 << 20))
