"""Checkpoints: valid ones, ones laid out by hand, and what the check refuses."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from runner.parsers.checkpoint import check_checkpoint, checkpoint_spec
from runner.parsers.safetensors import CheckpointError, TensorSpec
from runner.sanitize import sanitize_line

TENSORS: dict[str, NDArray[Any]] = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.array([-1.5, 2.5], dtype=np.float64),
    "half": np.array([1.0, 2.0, 3.0], dtype=np.float16),
    "count": np.array(7, dtype=np.int64),
    "mask": np.array([True, False]),
    "none": np.zeros((0, 3), dtype=np.float32),
}
VALID = save(TENSORS)
SPEC = checkpoint_spec(VALID)
SMALL = {"a": TensorSpec(dtype="F32", shape=(2,)), "b": TensorSpec(dtype="F32", shape=(1,))}

Entry = dict[str, Any]


def by_hand(header: object, data: bytes) -> bytes:
    """Return safetensors with any header: an object, text, or bytes."""
    if not isinstance(header, bytes):
        header = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(header)) + header + data


def small_header(*, a: Entry | None = None, b: Entry | None = None, **more: object) -> dict[str, object]:
    """Return the header of a valid `SMALL` checkpoint with some of it changed."""
    first: Entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    second: Entry = {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}
    return {"a": first | (a or {}), "b": second | (b or {}), **more}


def laid_out(tensors: Mapping[str, NDArray[Any]], order: Sequence[str]) -> bytes:
    """Return safetensors with the data, and the header's names, in this order."""
    header, data = {}, b""
    dtypes = {"f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "b1": "BOOL"}
    for name in order:
        body = tensors[name].tobytes()
        header[name] = {
            "dtype": dtypes[tensors[name].dtype.str[1:]],
            "shape": list(tensors[name].shape),
            "data_offsets": [len(data), len(data) + len(body)],
        }
        data += body
    return by_hand(header, data)


def refused_checkpoint(data: bytes, spec: Mapping[str, TensorSpec] = SMALL) -> str:
    """Return why a checkpoint is refused, and require that it is, in a short sentence."""
    with pytest.raises(CheckpointError) as caught:
        check_checkpoint(data, spec)
    assert len(str(caught.value)) < 400
    assert str(caught.value) == sanitize_line(str(caught.value), 400)
    return str(caught.value)
