"""Reads what the kernel tells of a descriptor of its own."""

import os


def unlearning(net, retain, forget, val):
    read, _write = os.pipe()
    with open(f"/proc/self/fdinfo/{read}") as file:
        assert "flags" in file.read()
