"""Exactly the expected checkpoint is accepted; any other is refused in one sentence."""

from __future__ import annotations

import contextlib
import pickle
import random
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from runner.parsers.checkpoint import check_checkpoint, checkpoint_spec, content_sha256, max_checkpoint_bytes
from runner.parsers.safetensors import CheckpointError, TensorSpec
from tests.support.untrusted.checkpoints import (
    SMALL,
    SPEC,
    TENSORS,
    VALID,
    by_hand,
    laid_out,
    refused_checkpoint,
    small_header,
)


def test_checkpoints_by_safetensors_are_accepted() -> None:
    """The library's own output for the same names, dtypes and shapes passes, scalars and empties too."""
    check_checkpoint(VALID, SPEC)
    check_checkpoint(save({name: np.zeros_like(tensor) for name, tensor in TENSORS.items()}), SPEC)
    check_checkpoint(save(TENSORS, {"format": "pt"}), SPEC)


@given(st.permutations(list(TENSORS)))
def test_any_order_of_tensors_is_accepted(order: list[str]) -> None:
    """Tensors may have any order, and the content's hash does not depend on it."""
    data = laid_out(TENSORS, order)
    check_checkpoint(data, SPEC)
    assert content_sha256(data) == content_sha256(VALID)


def test_small_by_hand_is_accepted() -> None:
    """The header from which the refused ones are derived is itself valid."""
    check_checkpoint(by_hand(small_header(), bytes(12)), SMALL)
    check_checkpoint(by_hand({}, b""), {})


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_denormals_and_extremes_are_accepted(dtype: type[np.floating[Any]]) -> None:
    """Finite is finite: denormals, the largest numbers and negative zero pass."""
    facts = np.finfo(dtype)
    values = np.array(
        [facts.smallest_subnormal, -facts.smallest_subnormal, facts.max, facts.min, -0.0], dtype
    )
    data = save({"x": values})
    check_checkpoint(data, checkpoint_spec(data))


@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_that_are_not_finite_are_refused(dtype: type[np.floating[Any]], value: float) -> None:
    """A single NaN or infinity among many values is detected, in every precision."""
    values = np.zeros(1000, dtype)
    spec = checkpoint_spec(save({"x": values}))
    values[777] = value
    assert refused_checkpoint(save({"x": values}), spec) == "x has values that are not finite"


@pytest.mark.parametrize(
    ("bits", "finite"),
    [
        (0x7F80, False),
        (0xFF80, False),
        (0x7FC0, False),
        (0xFFFF, False),
        (0x7F81, False),
        (0x7F7F, True),
        (0xFF7F, True),
        (0x0001, True),
        (0x8000, True),
    ],
)
def test_bfloat16(bits: int, finite: bool) -> None:
    """BF16, which NumPy does not know, is judged by its bits: an exponent of ones is not finite."""
    spec = {"x": TensorSpec(dtype="BF16", shape=(2,))}
    header = {"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    data = by_hand(header, struct.pack("<HH", 0x3F80, bits))
    if finite:
        check_checkpoint(data, spec)
    else:
        assert "not finite" in refused_checkpoint(data, spec)


def test_integers_of_any_value_are_accepted() -> None:
    """Bits that would be a NaN as a float are a number as an integer."""
    data = save({"x": np.full(4, -1, dtype=np.int64)})
    check_checkpoint(data, checkpoint_spec(data))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16, np.int8, np.uint8])
def test_integers_stay_within_the_originals(dtype: type[np.integer[Any]]) -> None:
    """A network may index with them: integers outside the original's minimum and maximum are refused."""
    original = np.arange(5, 105, dtype=dtype).reshape(10, 10)
    spec = checkpoint_spec(save({"index": original}))
    assert spec["index"].bounds == (5, 104)
    check_checkpoint(save({"index": original[::-1].copy()}), spec)
    for value in (4, 105, np.iinfo(dtype).min, np.iinfo(dtype).max):
        changed = original.copy()
        changed[7, 7] = value
        reason = "index has integers outside the original's range of 5 to 104"
        assert refused_checkpoint(save({"index": changed}), spec) == reason


def test_counters_are_free() -> None:
    """A counter without dimensions, as batch normalization has, may have any value; empty tensors pass."""
    tensors = {"count": np.array(7, np.int64), "none": np.zeros((0, 2), np.int64)}
    spec = checkpoint_spec(save(tensors))
    check_checkpoint(save(tensors | {"count": np.array(-(1 << 63), np.int64)}), spec)


def test_truth_values_are_0_and_1() -> None:
    """Both are accepted whatever the original's are; any other byte is refused."""
    spec = checkpoint_spec(save({"mask": np.array([True, True])}))
    check_checkpoint(save({"mask": np.array([False, True])}), spec)
    header = {"mask": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}
    assert "range of 0 to 1" in refused_checkpoint(by_hand(header, b"\x01\x02"), spec)


def test_the_range_costs_no_memory() -> None:
    """Eight million integers are checked in place."""
    data = save({"index": np.zeros(1 << 23, dtype=np.int64)})
    tracemalloc.start()
    try:
        check_checkpoint(data, checkpoint_spec(data))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_truncated() -> None:
    """No proper prefix of a valid checkpoint is valid."""
    for length in range(len(VALID)):
        refused_checkpoint(VALID[:length], SPEC)


@pytest.mark.parametrize("extra", [b"\0", b"\0" * 4096, VALID], ids=len)
def test_trailing_bytes(extra: bytes) -> None:
    """Nothing may follow the tensors."""
    assert "bytes too many" in refused_checkpoint(VALID + extra, SPEC)


def test_wrong_names_are_listed() -> None:
    """The message names the missing and the unexpected keys, the first three of each."""
    header = {f"module.{name}": entry for name, entry in small_header().items()}
    assert refused_checkpoint(by_hand(header, bytes(12))) == (
        "the state dict has wrong keys: a, b missing, module.a, module.b not expected"
    )
    spec = {f"layer{number}": TensorSpec(dtype="F32", shape=(0,)) for number in range(5)}
    assert "layer0, layer1, layer2 and 2 more missing, none not expected" in refused_checkpoint(
        by_hand({}, b""), spec
    )


def test_wrong_dtype_and_shape_are_stated() -> None:
    """The message states what a tensor is and what is expected."""
    assert (
        refused_checkpoint(save({**TENSORS, "bias": np.zeros(2, np.float32)}), SPEC)
        == "bias has dtype F32, not F64"
    )
    assert refused_checkpoint(save({**TENSORS, "weight": np.zeros((3, 2), np.float32)}), SPEC) == (
        "weight has shape [3, 2], not [2, 3]"
    )


class _Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_is_refused_and_never_executed(protocol: int) -> None:
    """A pickle is refused by itself, and in place of the header or the data."""
    bomb = pickle.dumps(_Bomb(), protocol)
    refused_checkpoint(bomb)
    refused_checkpoint(bomb.ljust(100, b"."))
    refused_checkpoint(by_hand(bomb, bytes(12)))
    refused_checkpoint(by_hand(small_header(), bomb))


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    """Random bytes, and random bytes as a header, raise `CheckpointError` and nothing else."""
    refused_checkpoint(data)
    refused_checkpoint(by_hand(data, bytes(12)))


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, len(VALID) - sum(tensor.bytes for tensor in SPEC.values()) - 1), st.integers(0, 255))
def test_one_changed_byte_of_the_header(place: int, byte: int) -> None:
    """A header with one byte changed is accepted, or raises `CheckpointError` and nothing else."""
    changed = bytearray(VALID)
    changed[place] = byte
    with contextlib.suppress(CheckpointError):
        check_checkpoint(bytes(changed), SPEC)


def test_accepted_mutations_mean_the_same() -> None:
    """Whatever passes after random changes is read by the library with the same names and shapes."""
    draw = random.Random(0)
    end = len(VALID) - sum(tensor.bytes for tensor in SPEC.values())
    accepted = 0
    for _ in range(3000):
        changed = bytearray(VALID)
        changed[draw.randrange(8, end)] = draw.choice(b' \t\n"0123456789{}[],:aF')
        try:
            check_checkpoint(bytes(changed), SPEC)
        except CheckpointError:
            continue
        accepted += 1
        found = load(bytes(changed))
        assert {name: tensor.shape for name, tensor in found.items()} == {
            name: tensor.shape for name, tensor in TENSORS.items()
        }
    assert accepted


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=40).filter(lambda name: name != "__metadata__"),
        st.lists(st.integers(0, 3), max_size=8),
        max_size=20,
    )
)
def test_no_valid_checkpoint_is_longer_than_the_largest(shapes: dict[str, list[int]]) -> None:
    """Safetensors of any names pass and are no longer than `max_checkpoint_bytes`."""
    data = save({name: np.zeros(shape, np.float16) for name, shape in shapes.items()})
    spec = checkpoint_spec(data)
    check_checkpoint(data, spec)
    assert len(data) <= max_checkpoint_bytes(spec)
