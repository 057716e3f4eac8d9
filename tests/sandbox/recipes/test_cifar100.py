"""The recipes of CIFAR-100 read both published versions, with fine or coarse labels and their names."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from tests.sandbox.recipes.drafts import all_rows, make_draft, refusal
from tests.support import recipe_data
from tests.support.npy import npy


@pytest.mark.parametrize(("recipe", "classes"), [("cifar100", 100), ("cifar100-coarse", 20)])
def test_both_versions_are_the_same(recipe: str, classes: int) -> None:
    """In folders and archives; the test examples become val and test, the names come from the files."""
    python, binary = recipe_data.cifar100_python(), recipe_data.cifar100_binary()
    draft = make_draft(recipe, python)
    assert draft.classes == classes == len(draft.class_names) == len(set(draft.labels))
    assert draft.labels[:400].tolist() == [row % 100 % classes for row in range(400)]
    assert all_rows(draft) == list(range(800))
    assert max(*draft.splits["retain"], *draft.splits["forget"]) < 400 <= min(draft.splits["val"])
    forms = [
        {"cifar-100-python.tar.gz": recipe_data.tar_archive(python)},
        binary,
        {"cifar-100-binary.tar.gz": recipe_data.tar_archive(binary)},
    ]
    for files in forms:
        other = make_draft(recipe, files)
        assert np.array_equal(other.images, draft.images)
        assert np.array_equal(other.labels, draft.labels)
        assert [name.replace(" ", "_") for name in draft.class_names] == [
            name.replace(" ", "_") for name in other.class_names
        ]


def test_names_and_forget_file_are_optional() -> None:
    """Without ``meta`` the classes are numbers; the starting kit's file may say what is forgotten."""
    files = {name: data for name, data in recipe_data.cifar100_python().items() if not name.endswith("meta")}
    draft = make_draft("cifar100", {**files, "forget_idx.npy": npy(np.array([7, 3]))})
    assert draft.class_names == ()
    assert draft.splits["forget"].tolist() == [3, 7]


def test_pixels_are_normalised() -> None:
    """By the channels of CIFAR-100, which differ from CIFAR-10's."""
    black = np.zeros((1, 3, 32, 32), np.uint8)
    fine, other = (
        make_draft(recipe, files).to_float(black)
        for recipe, files in (
            ("cifar100", recipe_data.cifar100_python()),
            ("cifar10", recipe_data.cifar_python()),
        )
    )
    assert fine[0, :, 0, 0] == pytest.approx([-0.5071 / 0.2673, -0.4865 / 0.2564, -0.4409 / 0.2762])
    assert not np.allclose(fine, other)


def _with(**entries: object) -> dict[str, bytes]:
    images, _labels = recipe_data.cifar_rows(400)
    batch = {"data": images, "fine_labels": [row % 100 for row in range(400)], **entries}
    return {"train": pickle.dumps(batch, 4)}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"train": pickle.dumps({"data": 1, "labels": [1]})}, "no data and fine_labels: it has data, labels"),
        (_with(fine_labels=[100] * 400), "train, row 0: the label is '100', not an integer from 0 to 99"),
        ({"train": pickle.dumps([1, 2])}, "train is a list of 2, not a dict"),
        ({"train.bin": bytes(3075)}, "train.bin ends in row 1"),
        (
            {**_with(), "meta": pickle.dumps({"fine_label_names": ["a"] * 99})},
            "meta: fine_label_names is a list of 99, not a list of 100 names",
        ),
        (
            {**_with(), "meta": pickle.dumps({"fine_label_names": ["a"] * 100})},
            "meta: two classes have the name 'a'",
        ),
        (recipe_data.cifar_python(), "no file has a name like train, train.bin or *.tar.gz"),
    ],
)
def test_refusals(files: dict[str, bytes], words: str) -> None:
    """The file is named, and what it has."""
    assert words in refusal("cifar100", files)


def test_cifar10_has_names_too() -> None:
    """From ``batches.meta``, or from the text that comes with the binary version."""
    names = [f"name{number}" for number in range(10)]
    meta = pickle.dumps({"label_names": names, "num_cases_per_batch": 10000}, 2)
    assert make_draft("cifar10", {**recipe_data.cifar_python(), "batches.meta": meta}).class_names == tuple(
        names
    )
    text = "\n".join([*names, ""]).encode()
    binary = {**recipe_data.cifar_binary(), "batches.meta.txt": text}
    assert make_draft("cifar10", binary).class_names == tuple(names)
