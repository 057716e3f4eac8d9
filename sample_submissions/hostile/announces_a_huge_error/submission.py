"""Announces more error than a number can count, and waits; must end at once by its size."""

import os
import struct
import time


def send(tag, payload, announced=None):
    """Write a result of one's own where the harness writes its: file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"E", b"", announced=(1 << 64) - 1)
    time.sleep(60)
