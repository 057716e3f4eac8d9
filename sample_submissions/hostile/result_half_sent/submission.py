"""Announces a checkpoint, sends half of it and exits with success; must be `crashed`."""

import os
import struct


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"C", bytes(5_000), announced=10_000)
    os._exit(0)
