"""Claims in the harness's name that it has no function; it may speak ill of itself, no more."""

import json
import os
import struct


def send(tag, payload, announced=None):
    """Write a result of one's own where the harness writes its: file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def unlearning(net, retain, forget, val):
    send(b"E", json.dumps({"stage": "import", "type": "_NoFunctionError", "message": "forged"}).encode())
    os._exit(0)
