"""Labels are read in the forms that organizers have, or refused with the form that they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.sandbox.recipes.drafts import make_draft, refusal
from tests.support import recipe_data

CLASSES = recipe_data.own_arrays()["label"]


def files(label: NDArray[Any], **columns: NDArray[Any]) -> dict[str, bytes]:
    """Return an own file with these labels."""
    own = {"image": recipe_data.own_arrays()["image"], "label": label, **columns}
    return {"own.npz": recipe_data.npz(**own)}


@pytest.mark.parametrize(
    "label",
    [
        CLASSES[:, None],
        CLASSES.astype(np.uint8)[:, None],
        np.eye(4)[CLASSES],
        np.eye(4, dtype=np.float32)[CLASSES],
        np.eye(4, dtype=np.int64)[CLASSES],
        np.eye(4, dtype=np.bool_)[CLASSES],
    ],
)
def test_columns_and_one_hot_labels_are_integers(label: NDArray[Any]) -> None:
    """They give the same challenge as integers [n]; one-hot labels are mentioned."""
    draft, plain = make_draft("arrays", files(label)), make_draft("arrays", files(CLASSES))
    assert np.array_equal(draft.labels, plain.labels)
    assert draft.labels.dtype == np.int64
    assert (draft.classes, plain.notes) == (4, ())
    one_hot = "label is one-hot: its columns 0 to 3 are the classes"
    assert draft.notes == ((one_hot,) if label.shape[1] > 1 else ())


def test_a_one_hot_column_without_examples_is_a_class() -> None:
    """The number of columns is the number of classes."""
    assert make_draft("arrays", files(np.eye(6)[CLASSES])).classes == 6


def test_booleans_are_two_classes() -> None:
    """False is class 0, and the note says so."""
    draft = make_draft("arrays", files(CLASSES % 2 == 1))
    assert np.array_equal(draft.labels, CLASSES % 2)
    assert draft.notes == ("label is boolean: false is class 0, true is class 1",)


def test_other_columns_may_be_columns_too() -> None:
    """Persons and splits in the form [n, 1] are read as [n]."""
    persons, splits = np.arange(200) // 10, np.repeat([0, 1, 2, 3], 50)
    draft = make_draft("arrays", files(CLASSES, person=persons[:, None], split=splits[:, None]))
    assert np.array_equal(draft.extra["person_id"], persons)
    assert draft.splits["forget"].tolist() == list(range(50, 100))


def _spoiled(value: float) -> NDArray[Any]:
    label: NDArray[Any] = np.eye(4)[CLASSES]
    label[7, 1] = value
    return label


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (
            np.array(["cat", "dog"])[CLASSES % 2],
            "label is an array [200] of text (<U3); number the classes from 0",
        ),
        (
            np.array([b"cat", b"dog"])[CLASSES % 2],
            "label is an array [200] of text (|S3); number the classes",
        ),
        (
            CLASSES.astype(float),
            "label is an array [200] of float64, not a one-dimensional array of integers",
        ),
        (CLASSES.reshape(50, 2, 2), "label is an array [50, 2, 2] of int64, not"),
        (CLASSES.astype(complex), "label is an array [200] of complex128, not"),
        (_spoiled(0.5), "row 7: label is an array [200, 4] of float64, but this row is not one-hot"),
        (_spoiled(1.0), "row 7: label is an array [200, 4] of float64, but this row is not one-hot"),
        (_spoiled(np.nan), "row 7: label is an array [200, 4] of float64, but this row is not one-hot"),
        (np.eye(4)[CLASSES][:150], "200 images, but 150 rows of label"),
    ],
)
def test_a_refusal_names_type_and_shape(label: NDArray[Any], words: str) -> None:
    """What was there, and where."""
    assert words in refusal("arrays", files(label))
