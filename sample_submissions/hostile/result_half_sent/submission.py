"""Announces a checkpoint, sends half of it and ends with success; must be `crashed`."""

import os
import struct


def send(tag, payload, announced=None):
    """Write a result of one's own where the harness writes its: file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"C", bytes(5_000), announced=10_000)
    os._exit(0)
