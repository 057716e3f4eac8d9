"""Do outputs on disk come back as they were, and is what is damaged told from what is only unusual?"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.evaluator import RunOutputs, load, save

OUTPUTS = RunOutputs(
    logits=np.array([[0.5, -1.0], [3e-40, 2.0], [1.0, 1.0]], np.float32),
    correct=np.arange(8, dtype=np.int64).reshape(4, 2),
)


def npz(**arrays: Any) -> bytes:
    """Return arrays as npz."""
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def npy(array: Any) -> bytes:
    """Return one array as npy."""
    packed = io.BytesIO()
    np.save(packed, array)
    return packed.getvalue()


WHOLE = npz(logits=OUTPUTS.logits, correct=OUTPUTS.correct)


def read(file: Path) -> RunOutputs | None:
    """Read outputs of three examples and two classes."""
    return load(file, examples=3, classes=2)


def test_round_trip(tmp_path: Path) -> None:
    """What was saved is read, to the bit."""
    save(OUTPUTS, tmp_path / "deep" / "x.npz")
    found = read(tmp_path / "deep" / "x.npz")
    assert found is not None
    assert found.logits.tobytes() == OUTPUTS.logits.tobytes()
    assert found.correct.tobytes() == OUTPUTS.correct.tobytes()


@pytest.mark.parametrize(
    "data",
    [
        b"garbage" * 100,
        pickle.dumps({"logits": 1}),
        npz(logits=OUTPUTS.logits),
        npz(logits=OUTPUTS.logits[:2], correct=OUTPUTS.correct),
        npz(logits=OUTPUTS.logits, correct=OUTPUTS.correct[:3]),
        npz(logits=np.array([[1, 2]], dtype=object), correct=OUTPUTS.correct),
        npz(logits=np.full((3, 2), np.nan, np.float32), correct=OUTPUTS.correct),
        npz(logits=np.full((3, 2), np.inf, np.float32), correct=OUTPUTS.correct),
    ],
    ids=["garbage", "pickle", "half", "examples", "splits", "objects", "nan", "inf"],
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


def test_large_logits_are_not_damage(tmp_path: Path) -> None:
    """Logits near the largest float32 are finite: a submission that earns them does not make our file bad."""
    save(RunOutputs(logits=np.full((3, 2), 3e38, np.float32), correct=OUTPUTS.correct), tmp_path / "x.npz")
    assert read(tmp_path / "x.npz") is not None


def test_one_changed_byte(tmp_path: Path) -> None:
    """Whatever byte of the file changes, it is read or counts as not there; it raises nothing."""
    for place, byte in enumerate(WHOLE):
        for changed in (0, 1, byte ^ 1, byte ^ 0x80):
            (tmp_path / "x.npz").write_bytes(WHOLE[:place] + bytes([changed]) + WHOLE[place + 1 :])
            read(tmp_path / "x.npz")
