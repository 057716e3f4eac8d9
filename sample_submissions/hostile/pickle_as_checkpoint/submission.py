"""Sends as its checkpoint a pickle that writes a file when loaded; it must never be loaded."""

import os
import pickle
import struct


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/unlearn-hostile-escaped",)


def unlearning(net, retain, forget, val):
    send(b"C", pickle.dumps({"fc.weight": Evil()}))
    os._exit(0)
