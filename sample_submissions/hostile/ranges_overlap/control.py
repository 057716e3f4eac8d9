"""Stores its tensors in another order."""

import json
import os
import struct


def send(tag, payload, announced=None):
    """Write a forged result to the harness's result pipe, file 3."""
    data = struct.pack(">cQ", tag, len(payload) if announced is None else announced) + payload
    while data:
        data = data[os.write(3, data) :]


def weights(net):
    """Return the network as header and data of the safetensors format."""
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
    """Return safetensors bytes with this header, valid or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def unlearning(net, retain, forget, val):
    header, data = weights(net)
    order, shuffled = list(reversed(header)), b""
    for name in order:
        begin, end = header[name]["data_offsets"]
        header[name]["data_offsets"] = [len(shuffled), len(shuffled) + end - begin]
        shuffled += data[begin:end]
    send(b"C", packed(header, shuffled))
    os._exit(0)
