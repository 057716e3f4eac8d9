"""Do outputs on disk come back as they were, and is what is damaged told from what is only unusual?"""

from __future__ import annotations

import io
import math
import pickle
import tracemalloc
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.challenge.outputs import RunOutputs, read_outputs, save_outputs
from runner.parsers.npz import ArraysError, pack_npz, unpack_npz
from tests.support.npy import npy, npz

OUTPUTS = RunOutputs(
    logits=np.array([[0.5, -1.0], [3e-40, 2.0], [1.0, 1.0]], np.float32),
    correct=np.arange(8, dtype=np.int64).reshape(4, 2),
    unseen_losses=np.array([0.25, 0.0, 1e4], np.float32),
)
PARTS = {name: getattr(OUTPUTS, name) for name in ("logits", "correct", "unseen_losses")}


def zipped(name: str, data: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(name, data)
    return packed.getvalue()


WHOLE = npz(**PARTS)


def read(file: Path) -> RunOutputs | None:
    """Read outputs of three examples and two classes, with three examples unseen."""
    return read_outputs(file, examples=3, classes=2, unseen=3)


def test_the_bytes_are_the_same_whatever_packs_them() -> None:
    """Hashes of challenges and of outputs are compared between hosts with other Pythons."""
    packed = pack_npz(**PARTS)
    assert sha256(packed).hexdigest() == ("5d086d23b391d795ed078b1f468fc1268e623fe29d2e8ea6b9c899ac0e4748b6")
    assert [part.extract_version for part in zipfile.ZipFile(io.BytesIO(packed)).infolist()] == [20] * 3
    with np.load(io.BytesIO(packed), allow_pickle=False) as found:
        assert all(np.array_equal(found[name], part) for name, part in PARTS.items())


def test_round_trip(tmp_path: Path) -> None:
    """What was saved is read, to the bit."""
    save_outputs(OUTPUTS, tmp_path / "deep" / "x.npz")
    found = read(tmp_path / "deep" / "x.npz")
    assert found is not None
    assert found.logits.tobytes() == OUTPUTS.logits.tobytes()
    assert found.correct.tobytes() == OUTPUTS.correct.tobytes()
    assert found.unseen_losses.tobytes() == OUTPUTS.unseen_losses.tobytes()


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
def test_not_outputs(tmp_path: Path, data: bytes) -> None:
    """Whatever is not what was saved counts as not there."""
    assert read(tmp_path / "missing.npz") is None
    (tmp_path / "x.npz").write_bytes(data)
    assert read(tmp_path / "x.npz") is None


@pytest.mark.parametrize("data", [b"", WHOLE[:-30], npy(OUTPUTS.logits)], ids=["empty", "cut", "npy"])
def test_damaged(tmp_path: Path, data: bytes) -> None:
    """A file that is empty, was cut short, or holds one array, counts as not there, too."""
    (tmp_path / "x.npz").write_bytes(data)
    assert read(tmp_path / "x.npz") is None


def test_what_numpy_would_evaluate_is_not_read() -> None:
    """A header is one of the forms that we write: no Python, no claim beyond what is there, no compression."""
    whole = pack_npz(logits=OUTPUTS.logits)
    for changed in (
        whole.replace(b"(3, 2), }", b"(3, 2) }("),
        whole.replace(b"(3, 2), }      ", b"(3, 1L*2,), }  "),
        whole.replace(b"(3, 2), }                ", b"(1099511627776, 1024), }"),
        whole.replace(b"(3, 2), }", b"(3,), }  "),
        zipped("logits.npy", npy(OUTPUTS.logits)[:-1]),
        zipped("logits.npy", npy(OUTPUTS.logits) + b"0"),
        zipped("logits.npy", bytes(10 << 20), zipfile.ZIP_DEFLATED),
        zipped("logits.npy", npy(OUTPUTS.logits).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x02")),
        zipped("logits.npy", b"\x93NUMPY\x01\x00"),
        zipped("logits.npy", b""),
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
    """Numbers of every kind and shape, scalars, empty ones and columns first, are read as they were."""
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype, order="F" if by_columns else "C")
    found = unpack_npz(pack_npz(x=array), ["x"])["x"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert np.array_equal(found, array)


def test_large_logits_are_not_damage(tmp_path: Path) -> None:
    """Logits near the largest float32 are finite: a submission that earns them does not make our file bad."""
    large = PARTS | {"logits": np.full((3, 2), 3e38, np.float32)}
    save_outputs(RunOutputs(**large), tmp_path / "x.npz")
    assert read(tmp_path / "x.npz") is not None


def test_two_members_at_one_place() -> None:
    """Are refused before Python is asked for one: from 3.13 on it would warn the operator of a zip bomb."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("a.npy", "b.npy"):
            archive.writestr(name, b"whatever")
        archive.filelist[1].header_offset = archive.filelist[0].header_offset
    with pytest.raises(ArraysError, match="at one place"):
        unpack_npz(packed.getvalue(), ["a"])


def test_one_changed_byte(tmp_path: Path) -> None:
    """Whatever byte of the file changes, it is read or counts as not there; it raises nothing."""
    for place, byte in enumerate(WHOLE):
        for changed in (0, 1, byte ^ 1, byte ^ 0x80):
            (tmp_path / "x.npz").write_bytes(WHOLE[:place] + bytes([changed]) + WHOLE[place + 1 :])
            read(tmp_path / "x.npz")
