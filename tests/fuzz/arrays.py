"""Arrays on disk, as npz: outputs and references, which may have been damaged."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.parsers.npz import ArraysError, pack_npz, unpack_npz

INSTRUMENTED = ("runner.parsers.npz", "zipfile")
_NAMES = ("logits", "correct")


def one_input(data: bytes) -> None:
    """What is read is arrays of plain numbers, which are read the same after they were written.

    The data are an npz, and then once more an array inside a valid one.
    """
    _read(data)
    _read(_with_member(data))


def _read(data: bytes) -> None:
    try:
        found = unpack_npz(data, _NAMES)
    except ArraysError as error:
        assert str(error)
        return
    assert tuple(found) == _NAMES
    again = unpack_npz(pack_npz(**found), _NAMES)
    for name, array in found.items():
        assert array.dtype.kind in "biuf"
        assert array.tobytes() == again[name].tobytes()
        assert (array.shape, array.dtype) == (again[name].shape, again[name].dtype)


def _with_member(array: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("logits.npy", array)
        archive.writestr("correct.npy", _npy(np.zeros(1)))
    return packed.getvalue()


def _npy(array: NDArray[Any]) -> bytes:
    packed = io.BytesIO()
    np.save(packed, array)
    return packed.getvalue()


def seeds() -> dict[str, bytes]:
    """Return a few files to begin with."""
    logits, correct = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((4, 2), np.int64)
    return {
        "outputs": pack_npz(logits=logits, correct=correct),
        "half": pack_npz(logits=logits),
        "npy": _npy(logits),
        "npy-by-columns": _npy(np.asfortranarray(logits)),
        "npy-of-text": _npy(np.array(["a"])),
        "npy-of-records": _npy(np.zeros(1, dtype=[("a", "<f4"), ("b", "<i2", (2,))])),
        "npy-of-a-terabyte": _npy(logits).replace(b"(3, 2), } ", b"(1<<38,)}", 1),
        "npy-huge": _npy(logits).replace(b"(3, 2), }        ", b"(274877906944,)} ", 1),
    }
