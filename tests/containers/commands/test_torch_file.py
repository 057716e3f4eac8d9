"""What `unlearn checkpoints fetch --format pt` writes is opened by torch itself, with the same tensors."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from runner.parsers.safetensors import read_tensors
from runner.results.torch_file import torch_file

pytestmark = pytest.mark.container

SCRIPT = """
import base64, io, json, torch
state = torch.load(io.BytesIO(base64.b64decode("{data}")), weights_only=True)
print(json.dumps([
    [name, str(tensor.dtype), list(tensor.shape), tensor.is_contiguous(), tensor.requires_grad,
     bytes(tensor.reshape(-1).view(torch.uint8).tolist()).hex() if tensor.numel() else ""]
    for name, tensor in state.items()
]))
"""
NETWORK = """
import base64, io, json, torch
torch.manual_seed(3)
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.LazyLinear(2))
images = torch.rand(5, 3, 8, 8)
net(images)
net.eval()
expected = net(images)
from safetensors.torch import save
{convert}
"""
TORCH_NAMES = {
    "F64": "torch.float64",
    "F32": "torch.float32",
    "F16": "torch.float16",
    "BF16": "torch.bfloat16",
    "I64": "torch.int64",
    "I32": "torch.int32",
    "I16": "torch.int16",
    "I8": "torch.int8",
    "U8": "torch.uint8",
    "BOOL": "torch.bool",
}


def checkpoint() -> bytes:
    """Return tensors of every type, of shapes from a scalar to five axes, and of no element."""
    random = np.random.default_rng(0)
    tensors: dict[str, Any] = {
        "bn.num_batches_tracked": np.array(19, dtype=np.int64),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "ε.weight [0]": random.normal(size=(2, 3, 1, 4, 5)).astype(np.float32),
        "special": np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], dtype=np.float32),
        "f64": random.normal(size=(3, 2)),
        "f16": random.normal(size=7).astype(np.float16),
        "i32": np.array([[-(2**31), 2**31 - 1]], dtype=np.int32),
        "i16": np.array([-(2**15), 2**15 - 1], dtype=np.int16),
        "i8": np.array([-128, 127], dtype=np.int8),
        "u8": np.arange(256, dtype=np.uint8).reshape(16, 16),
        "bool": np.array([True, False, True]),
    }
    return save(tensors)


def bfloat16() -> bytes:
    """Return a tensor of a type that NumPy lacks."""
    values = np.arange(12, dtype="<u2").tobytes()
    header = {"half": {"dtype": "BF16", "shape": [3, 4], "data_offsets": [0, len(values)]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


@pytest.mark.parametrize("make", [checkpoint, bfloat16])
def test_torch_opens_what_is_exported(in_image: Callable[[str], str], make: Callable[[], bytes]) -> None:
    """By its safe reader: names, types, shapes, and values to the bit, of all types that a checkpoint may have."""
    data = make()
    exported = base64.b64encode(torch_file(data)).decode()
    opened = json.loads(in_image(SCRIPT.format(data=exported)))
    assert opened == [
        [name, TORCH_NAMES[spec.dtype], list(spec.shape), True, False, bytes(values).hex()]
        for name, (spec, values) in sorted(read_tensors(data, max_header_bytes=len(data)).items())
    ]


def test_a_network_takes_what_is_exported(in_image: Callable[[str], str]) -> None:
    """Its outputs are those of the network that was saved."""
    made = in_image(NETWORK.format(convert="print(base64.b64encode(save(dict(net.state_dict()))).decode())"))
    exported = base64.b64encode(torch_file(base64.b64decode(made))).decode()
    load = f"""
state = torch.load(io.BytesIO(base64.b64decode("{exported}")), weights_only=True)
with torch.no_grad():
    for weight in net.parameters():
        weight.zero_()
print(net.load_state_dict(state), torch.equal(net(images), expected))
"""
    assert in_image(NETWORK.format(convert=load)).split("\n")[0] == "<All keys matched successfully> True"
