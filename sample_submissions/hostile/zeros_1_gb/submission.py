"""Announces 1 GB and sends it; must be ended for its size before the bytes are read."""

import os
import struct


def unlearning(net, retain, forget, val):
    os.write(3, struct.pack(">cQ", b"C", 1 << 30))
    for _ in range(1 << 10):
        os.write(3, bytes(1 << 20))
