"""Announces a checkpoint of the right size and sends data endlessly; the supervisor must stop reading."""

import os
import struct


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"C", bytes(10), announced=10_000)
    while True:
        os.write(3, bytes(1 << 16))
