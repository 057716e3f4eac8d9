"""Labels are read in the forms that organizers have, or refused with the form that they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sandbox.protocol.splits import SPLITS
from tests.sandbox.recipes.drafts import all_rows, make_draft, refusal
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


@pytest.mark.parametrize("shape", [(200,), (200, 1)])
@pytest.mark.parametrize("encoded", [False, True])
def test_text_is_named_classes(shape: tuple[int, ...], encoded: bool) -> None:
    """The words in alphabetical order; text of any kind, also bytes in UTF-8."""
    names = ("chien", "chat", "éléphant", "âne")
    words = np.array([name.encode() if encoded else name for name in names])[CLASSES].reshape(shape)
    draft = make_draft("arrays", files(words))
    assert draft.class_names == ("chat", "chien", "âne", "éléphant")
    assert [draft.class_names[label] for label in draft.labels] == [names[label] for label in CLASSES]
    assert (draft.classes, draft.notes) == (
        4,
        ("label is text: its words in alphabetical order are the classes",),
    )


def test_numbers_as_text_are_numbers() -> None:
    """So 10 comes after 9; a gap is a class without examples, as for integers."""
    draft = make_draft("arrays", files(np.array(["0", "2", "10", "9"])[CLASSES]))
    assert set(draft.labels) == {0, 2, 9, 10}
    assert (draft.classes, draft.class_names) == (11, ())


def test_persons_and_splits_may_be_text() -> None:
    """Splits by their names in any case; a training split is divided by the seed, by person if there are any."""
    words = np.array(["Retain", "forget", "validation", "TEST"])[np.arange(200) // 50]
    persons = np.array([f"person {number}" for number in np.arange(200) // 10])
    draft = make_draft("arrays", files(CLASSES, person=persons, split=words))
    assert [list(draft.splits[name]) for name in SPLITS] == np.arange(200).reshape(4, 50).tolist()
    assert len(set(draft.extra["person_id"])) == 20
    words[:100] = "train"
    draft = make_draft("arrays", files(CLASSES, person=persons, split=words))
    assert all_rows(draft) == list(range(200))
    assert {*draft.splits["retain"], *draft.splits["forget"]} == set(range(100))
    assert len(draft.splits["forget"]) == 10
    by_class = make_draft("arrays", files(CLASSES, split=words))
    assert len(by_class.splits["forget"]) == 10
    assert "the split 'rest' is not retain" in refusal("arrays", files(CLASSES, split=np.full(200, "rest")))
    words[0] = "retain"
    assert "train beside retain or forget" in refusal("arrays", files(CLASSES, split=words))


def _spoiled(value: float) -> NDArray[Any]:
    label: NDArray[Any] = np.eye(4)[CLASSES]
    label[7, 1] = value
    return label


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (
            np.array(["cat", "dog"])[CLASSES % 2].reshape(100, 2),
            "label is an array [100, 2] of text (<U3), not a one-dimensional array of text",
        ),
        (np.array([b"cat", b"\xff"])[CLASSES % 2], "own.npz, row 1: the label b'\\xff' is not UTF-8"),
        (np.array(["cat", " "])[CLASSES % 2], "own.npz, label: ' ' cannot be the name of a class"),
        (np.array(["cat", "a\x1b[2J"])[CLASSES % 2], "cannot be the name of a class"),
        (np.array(["cat", "x" * 101])[CLASSES % 2], "it must have 1 to 100 visible characters"),
        (np.array(["cat", "dog"])[CLASSES % 2][:50], "own.npz has 200 images, but 50 rows of label"),
        (CLASSES * 50_000, "row 2: the label 100000 would be one of as many classes; number the classes"),
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
