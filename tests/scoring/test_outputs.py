"""Outputs: checked once, read as they were written, compared only if from the same examples."""

import contextlib
import io
import pickle
import struct
import zipfile
from typing import Any

import numpy as np
import pytest

from sandbox.protocol import splits
from scoring.outputs import SPLITS, Outputs, check_comparable, load_outputs, save_outputs

RNG = np.random.default_rng(0)
GOOD: dict[str, Any] = {
    "logits": RNG.normal(size=(3, 5, 2)).astype(np.float32),
    "labels": np.array([0, 1, 1, 0, 0]),
    "correct": np.array([[[1, 2], [0, 2], [3, 3], [1, 0]]] * 3),
    "class_counts": np.array([[4, 4], [3, 2], [3, 3], [2, 1]]),
    "unseen_losses": RNG.random((3, 3)),
    "seconds": np.array([1.0, 2.0, 0.0]),
}


def test_the_splits_are_in_the_evaluators_order():
    """The scorer and the sandbox use the same order of splits in a table of counts."""
    assert tuple(splits.SPLITS) == SPLITS


@pytest.mark.parametrize("without", [(), ("seconds",), ("seconds", "unseen_losses")])
def test_round_trip(without):
    """Saved arrays are read back to the bit; unknown ones stay None."""
    outputs = Outputs(**{name: array for name, array in GOOD.items() if name not in without})
    file = io.BytesIO()
    save_outputs(outputs, file)
    file.seek(0)
    result = load_outputs(file)
    for name, array in GOOD.items():
        stored = getattr(result, name)
        if name in without:
            assert stored is None
        else:
            np.testing.assert_array_equal(stored, array)
            assert not stored.flags.writeable
    assert result.logits.dtype == np.float32


def test_accuracies_are_shares_of_all_examples():
    """An accuracy is correct answers over examples, all classes together."""
    result = Outputs(**GOOD).accuracies()
    np.testing.assert_allclose(result.retain, 3 / 8)
    np.testing.assert_allclose(result.test, 1 / 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"logits": GOOD["logits"].astype(int)}, "floating point"),
        ({"logits": GOOD["logits"][0]}, "shape .models, examples, classes"),
        ({"logits": np.full((3, 5, 2), np.inf)}, "finite"),
        ({"labels": GOOD["labels"][:4]}, "labels must have shape"),
        ({"labels": GOOD["labels"] + 1}, "0 to 1"),
        ({"labels": GOOD["labels"] - 1}, "negative"),
        ({"labels": GOOD["labels"] * 1.0}, "integers"),
        ({"correct": GOOD["correct"][:2]}, "correct answers must have shape"),
        ({"correct": GOOD["correct"] + 3}, "must not outnumber the examples"),
        ({"class_counts": GOOD["class_counts"] * [[1], [1], [0], [1]]}, "Every split"),
        ({"unseen_losses": GOOD["unseen_losses"][:2]}, "from 3 models"),
        ({"unseen_losses": -GOOD["unseen_losses"]}, "negative"),
        ({"seconds": np.array([1.0, np.nan, 1.0])}, "finite"),
    ],
)
def test_impossible_outputs_are_refused(changed, message):
    """One sentence names the array and the problem."""
    with pytest.raises(ValueError, match=message):
        Outputs(**{**GOOD, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"logits": GOOD["logits"][:1], "correct": GOOD["correct"][:1]}, "two or more"),
        ({"labels": 1 - GOOD["labels"]}, "same labels"),
        ({"class_counts": GOOD["class_counts"] + 1}, "same class counts"),
        ({"logits": GOOD["logits"][:, :4], "labels": GOOD["labels"][:4]}, "same examples"),
    ],
)
def test_outputs_of_other_examples_are_not_compared(changed, message):
    """Populations are comparable if they were evaluated on the same examples."""
    plain = {name: array for name, array in GOOD.items() if name not in ("seconds", "unseen_losses")}
    check_comparable(Outputs(**GOOD), Outputs(**GOOD))
    with pytest.raises(ValueError, match=message):
        check_comparable(Outputs(**{**plain, **changed}), Outputs(**GOOD))


@pytest.mark.parametrize(
    "data",
    [b"", b"garbage" * 50, pickle.dumps({"logits": 1}), b"PK\x03\x04 not really"],
    ids=["empty", "garbage", "pickle", "zip"],
)
def test_other_files_are_refused(data):
    """Files of another format are a ValueError, and a pickle is not opened."""
    with pytest.raises(ValueError, match="not an npz file"):
        load_outputs(io.BytesIO(data))


def test_damaged_files_are_refused():
    """Changed bytes are read or a ValueError, never another exception."""
    written, rng = io.BytesIO(), np.random.default_rng(0)
    np.savez_compressed(written, allow_pickle=False, **GOOD)
    for _ in range(1_000):
        data = bytearray(written.getvalue())
        for place in rng.integers(len(data), size=3):
            data[place] = rng.integers(256)
        with contextlib.suppress(ValueError):
            load_outputs(io.BytesIO(data))


def test_an_array_that_claims_more_than_all_memory_is_refused():
    """A header with an impossible size is a ValueError, not a MemoryError."""
    file = io.BytesIO()
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846975,), }\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("logits.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(ValueError, match="not an npz file of plain numbers"):
        load_outputs(file)


def test_an_array_of_objects_is_refused():
    """An array of objects is refused, because NumPy would unpickle it."""
    file = io.BytesIO()
    np.savez(file, labels=np.array([print], dtype=object))
    file.seek(0)
    with pytest.raises(ValueError, match="not an npz file of plain numbers"):
        load_outputs(file)
