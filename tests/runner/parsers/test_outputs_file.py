"""Outputs on disk: a round trip to the bit, and the refusal of damaged files."""

from __future__ import annotations

import contextlib
import io
import math
import pickle
import tracemalloc
import zipfile
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.challenge.outputs import NetworkOutputs, OutputShapes, pack_outputs, split_outputs, unpack_outputs
from runner.parsers.npz import ArraysError, pack_npz, unpack_npz
from tests.support.npy import npy, npz
from tests.support.untrusted.archives import zipped

OUTPUTS = NetworkOutputs(
    logits=np.array([[0.5, -1.0], [3e-40, 2.0], [1.0, 1.0]], np.float32),
    correct=np.arange(8, dtype=np.int64).reshape(4, 2),
    unseen_losses=np.array([0.25, 0.0, 1e4], np.float32),
)
PARTS = {name: getattr(OUTPUTS, name) for name in ("logits", "correct", "unseen_losses")}


WHOLE = npz(**PARTS)


SHAPES = OutputShapes(examples=3, classes=2, unseen=3)


def read(data: bytes) -> NetworkOutputs:
    """Read finite outputs of three examples and two classes, with three examples unseen."""
    outputs = unpack_outputs(data, SHAPES)
    outputs.require_finite()
    return outputs


def test_the_bytes_depend_on_the_arrays_alone() -> None:
    """Hashes of challenges and of outputs are compared between hosts with different versions of Python."""
    packed = pack_npz(**PARTS)
    assert sha256(packed).hexdigest() == ("5d086d23b391d795ed078b1f468fc1268e623fe29d2e8ea6b9c899ac0e4748b6")
    assert [part.extract_version for part in zipfile.ZipFile(io.BytesIO(packed)).infolist()] == [20] * 3
    with np.load(io.BytesIO(packed), allow_pickle=False) as found:
        assert all(np.array_equal(found[name], part) for name, part in PARTS.items())


def test_round_trip() -> None:
    """Outputs are read as they were packed, to the bit."""
    outputs = read(pack_outputs(OUTPUTS))
    assert outputs.logits.tobytes() == OUTPUTS.logits.tobytes()
    assert outputs.correct.tobytes() == OUTPUTS.correct.tobytes()
    assert outputs.unseen_losses.tobytes() == OUTPUTS.unseen_losses.tobytes()


def test_stacked_outputs() -> None:
    """Outputs of several networks have an axis in front, of the same length in all three arrays."""
    stacked = {name: np.stack([part, part]) for name, part in PARTS.items()}
    outputs = unpack_outputs(npz(**stacked), SHAPES, stacked=True)
    assert (outputs.logits.shape, outputs.correct.shape) == ((2, 3, 2), (2, 4, 2))
    with pytest.raises(ArraysError, match=r"correct is <i8 \[1, 4, 2\], not <i8 \[2, 4, 2\]"):
        unpack_outputs(npz(**stacked | {"correct": stacked["correct"][:1]}), SHAPES, stacked=True)
    with pytest.raises(ArraysError):
        unpack_outputs(npz(**PARTS), SHAPES, stacked=True)
    with pytest.raises(ArraysError):
        unpack_outputs(npz(**stacked), SHAPES)


def test_a_frame_holds_the_arrays_in_a_row() -> None:
    """The payload of a frame is as long as the shapes say, and is read in the order of the names."""
    payload = b"".join(part.tobytes() for part in PARTS.values())
    assert len(payload) == SHAPES.size_bytes
    assert pack_outputs(split_outputs(payload, SHAPES)) == pack_outputs(OUTPUTS)
    assert split_outputs(2 * payload, SHAPES, 2).logits.shape == (2, 3, 2)
    with pytest.raises(ArraysError, match="bytes"):
        split_outputs(payload[:-1], SHAPES)


@pytest.mark.parametrize(
    "data",
    [
        b"garbage" * 100,
        pickle.dumps({"logits": 1}),
        npz(logits=OUTPUTS.logits, correct=OUTPUTS.correct),
        npz(**PARTS | {"logits": OUTPUTS.logits[:2]}),
        npz(**PARTS | {"correct": OUTPUTS.correct[:3]}),
        npz(**PARTS | {"unseen_losses": OUTPUTS.unseen_losses[:2]}),
        npz(**PARTS | {"unseen_losses": OUTPUTS.unseen_losses.astype(np.float64)}),
        npz(**PARTS | {"logits": np.array([[1, 2]], dtype=object)}),
        npz(**PARTS | {"logits": np.full((3, 2), np.nan, np.float32)}),
        npz(**PARTS | {"unseen_losses": np.full(3, np.inf, np.float32)}),
    ],
    ids=["garbage", "pickle", "half", "examples", "splits", "unseen", "type", "objects", "nan", "inf"],
)
def test_not_outputs(data: bytes) -> None:
    """Data of another kind, type or shape, or values that are not finite, are refused."""
    with pytest.raises(ArraysError):
        read(data)


@pytest.mark.parametrize("data", [b"", WHOLE[:-30], npy(OUTPUTS.logits)], ids=["empty", "cut", "npy"])
def test_damaged(data: bytes) -> None:
    """A file that is empty, was cut short, or holds a single array is refused."""
    with pytest.raises(ArraysError):
        read(data)


def test_headers_are_never_evaluated() -> None:
    """Only headers of our own form are read: no Python, no claim beyond the data, no compression."""
    whole = pack_npz(logits=OUTPUTS.logits)
    for changed in (
        whole.replace(b"(3, 2), }", b"(3, 2) }("),
        whole.replace(b"(3, 2), }      ", b"(3, 1L*2,), }  "),
        whole.replace(b"(3, 2), }                ", b"(1099511627776, 1024), }"),
        whole.replace(b"(3, 2), }", b"(3,), }  "),
        zipped({"logits.npy": npy(OUTPUTS.logits)[:-1]}, zipfile.ZIP_STORED),
        zipped({"logits.npy": npy(OUTPUTS.logits) + b"0"}, zipfile.ZIP_STORED),
        zipped({"logits.npy": bytes(10 << 20)}, zipfile.ZIP_DEFLATED),
        zipped(
            {"logits.npy": npy(OUTPUTS.logits).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x02")},
            zipfile.ZIP_STORED,
        ),
        zipped({"logits.npy": b"\x93NUMPY\x01\x00"}, zipfile.ZIP_STORED),
        zipped({"logits.npy": b""}, zipfile.ZIP_STORED),
    ):
        assert changed != whole
        tracemalloc.start()
        try:
            with pytest.raises(ArraysError):
                unpack_npz(changed, ["logits"])
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


@given(
    st.sampled_from([np.bool_, np.int8, np.uint16, np.int64, np.uint64, np.float16, np.float32, np.float64]),
    st.lists(st.integers(0, 4), max_size=5),
    st.booleans(),
)
def test_arrays_round_trip(dtype: type[np.generic], shape: list[int], by_columns: bool) -> None:
    """Numbers of every type and shape are read as packed: scalars, empty and column-major ones too."""
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype, order="F" if by_columns else "C")
    found = unpack_npz(pack_npz(x=array), ["x"])["x"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert np.array_equal(found, array)


def test_large_logits_are_not_damage() -> None:
    """Logits near the largest float32 are finite: a submission that earns them does not damage our file."""
    large = PARTS | {"logits": np.full((3, 2), 3e38, np.float32)}
    assert read(pack_outputs(NetworkOutputs(**large))).logits.max() == np.float32(3e38)


def test_two_members_at_one_offset() -> None:
    """They are refused before `zipfile` reads one: from 3.13 on it would warn the operator of a zip bomb."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("a.npy", "b.npy"):
            archive.writestr(name, b"whatever")
        archive.filelist[1].header_offset = archive.filelist[0].header_offset
    with pytest.raises(ArraysError, match="at one offset"):
        unpack_npz(packed.getvalue(), ["a"])


def test_one_changed_byte() -> None:
    """Whichever byte of the file changes, it is read or refused; nothing else is raised."""
    for position, byte in enumerate(WHOLE):
        for changed in (0, 1, byte ^ 1, byte ^ 0x80):
            with contextlib.suppress(ArraysError):
                read(WHOLE[:position] + bytes([changed]) + WHOLE[position + 1 :])
