"""Sends the format that `torch.load` would unpickle, with a command in it; must never be loaded."""

import io
import os
import struct

import torch


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/unlearn-hostile-escaped",)


def unlearning(net, retain, forget, val):
    file = io.BytesIO()
    torch.save({**net.state_dict(), "evil": Evil()}, file)
    send(b"C", file.getvalue()[:8_000])
    os._exit(0)
