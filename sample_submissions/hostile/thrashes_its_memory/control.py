"""Reads a part of the image once, with a little memory of its own."""

import os


def unlearning(net, retain, forget, val):
    held = bytearray(b"x") * (16 << 20)
    for name in os.listdir("/opt/venv/lib/python3.11/site-packages/torch"):
        path = os.path.join("/opt/venv/lib/python3.11/site-packages/torch", name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                file.read()
    assert held[-1] == ord("x")
