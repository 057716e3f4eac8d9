"""Writes a file of its own back, as careful programs do."""

import os


def unlearning(net, retain, forget, val):
    with open("own", "wb") as file:
        file.write(b"kept in memory")
        file.flush()
        os.fsync(file.fileno())
    os.sync()
