"""Checkpoints, as the host checks them: safetensors without the library."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from runner.parsers.checkpoint import check_checkpoint, checkpoint_spec, content_sha256, max_checkpoint_bytes
from runner.parsers.safetensors import CheckpointError
from runner.sanitize import sanitize_line

INSTRUMENTED = ("runner.parsers.checkpoint", "runner.parsers.safetensors")
_TENSORS: dict[str, NDArray[Any]] = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "half": np.array([1.0, -2.0], dtype=np.float16),
    "count": np.array(7, dtype=np.int64),
    "none": np.zeros((0, 3), dtype=np.float32),
}
_VALID = save(_TENSORS)
_SPEC = checkpoint_spec(_VALID)
_DATA_BYTES = sum(tensor.bytes for tensor in _SPEC.values())


def one_input(data: bytes) -> None:
    """An accepted checkpoint is finite, and the library reads the same names, shapes, dtypes and hash.

    The first byte says whether the rest is a header alone, behind which valid data stand.
    """
    if not data:
        return
    mode, body = data[0], data[1:]
    if mode & 1:
        body = struct.pack("<Q", len(body)) + body + _VALID[len(_VALID) - _DATA_BYTES :]
    try:
        remark = check_checkpoint(body, _SPEC)
    except CheckpointError as error:
        message = str(error)
        assert len(message) < 600
        assert message == sanitize_line(message, 600)
        return
    assert len(remark) < 600
    assert remark == sanitize_line(remark, 600)
    assert len(body) <= max_checkpoint_bytes(_SPEC)
    found = load(body)
    assert {(name, one.shape, one.dtype) for name, one in found.items()} == {
        (name, one.shape, one.dtype) for name, one in _TENSORS.items()
    }
    assert all(np.isfinite(tensor).all() for tensor in found.values())
    assert content_sha256(body) == content_sha256(save(found))


def seeds() -> dict[str, bytes]:
    """Return a few checkpoints to begin with."""
    header = _VALID[8 : len(_VALID) - _DATA_BYTES]
    not_finite = save(_TENSORS | {"half": np.array([1.0, np.inf], dtype=np.float16)})
    return {
        "valid": b"\0" + _VALID,
        "metadata": b"\0" + save(_TENSORS, {"format": "pt"}),
        "remark": b"\0" + save(_TENSORS, {"outside_state": "proj \x1b[2J", "overflowed_half": ""}),
        "not-finite": b"\0" + not_finite,
        "trailing": b"\0" + _VALID + b"\0",
        "huge-header": b"\0" + struct.pack("<Q", 1 << 63) + _VALID[8:],
        "header": b"\1" + header,
        "header-with-escapes": b"\1" + header.replace(b"weight", b"\\u0077eight"),
        "header-of-lists": b"\1" + b"[" * 300,
    }
