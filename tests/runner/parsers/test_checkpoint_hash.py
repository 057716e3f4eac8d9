"""The hash of a checkpoint's content, and the spec of the original network."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

from runner.parsers.checkpoint import checkpoint_spec, content_sha256
from runner.parsers.safetensors import CheckpointError, TensorSpec
from tests.support.untrusted.checkpoints import (
    SPEC,
    TENSORS,
    VALID,
    by_hand,
)


def test_content_hash_sees_every_value() -> None:
    """A changed value changes the hash, and so do two exchanged tensors of one size."""
    first = save({"a": np.array([1, 2], np.float32), "b": np.array([3, 4], np.float32)})
    changed = save({"a": np.array([1, 2], np.float32), "b": np.array([3, 5], np.float32)})
    exchanged = save({"a": np.array([3, 4], np.float32), "b": np.array([1, 2], np.float32)})
    moved = save({"a": np.array([1, 2, 3], np.float32), "b": np.array([4], np.float32)})
    assert len({content_sha256(data) for data in (first, changed, exchanged, moved)}) == 4


def test_content_hash_tells_names_from_values() -> None:
    """A tensor whose values spell another's name does not hash like the two of them."""
    one = save({"a": np.frombuffer(b'1["b"]2', np.uint8)})
    two = save({"a": np.frombuffer(b"1", np.uint8), "b": np.frombuffer(b"2", np.uint8)})
    assert content_sha256(one) != content_sha256(two)


def test_content_hash_ignores_metadata() -> None:
    """Metadata do not change the hash."""
    assert content_sha256(save(TENSORS, {"run": "2"})) == content_sha256(VALID)


def test_spec_of_the_original() -> None:
    """The original's names, dtypes and shapes are the requirements, and sizes follow from them."""
    assert SPEC["weight"] == TensorSpec(dtype="F32", shape=(2, 3), largest=5.0)
    assert SPEC["count"] == TensorSpec(dtype="I64", shape=())
    assert {name: tensor.bytes for name, tensor in SPEC.items()} == {
        name: tensor.nbytes for name, tensor in TENSORS.items()
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        VALID[:20],
        by_hand({"x": {"dtype": "C64", "shape": [0], "data_offsets": [0, 0]}}, b""),
        by_hand({"x": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, bytes(8)),
        by_hand({"x": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, bytes(4)),
        by_hand({"x": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}, bytes(4)),
    ],
)
def test_spec_of_something_else(data: bytes) -> None:
    """An original that is cut off, or has an invalid dtype or size, raises `CheckpointError`."""
    with pytest.raises(CheckpointError):
        checkpoint_spec(data)
