"""Reports in the harness's name that it has no function; a run may discredit itself only."""

import json
import os
import struct


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"E", json.dumps({"stage": "import", "type": "_NoFunctionError", "message": "forged"}).encode())
    os._exit(0)
