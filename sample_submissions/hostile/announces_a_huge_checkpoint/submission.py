"""Announces a checkpoint of 4 GB and waits; must be ended at once for its size, not at its time limit."""

import os
import struct
import time


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"C", b"", announced=4 << 30)
    time.sleep(60)
