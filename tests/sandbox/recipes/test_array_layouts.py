"""The recipe arrays reads the array files of published data sets by their names, and names what it refuses."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sandbox.protocol.splits import SPLITS
from tests.sandbox.recipes.drafts import all_rows, make_draft, refusal
from tests.support import recipe_data

OWN = recipe_data.own_arrays()
IMAGES, CLASSES = OWN["image"], OWN["label"]
HWC = np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1))
GREY = np.ascontiguousarray(IMAGES[:, 0])

Layout = Mapping[str, NDArray[Any]]


def medmnist(images: NDArray[Any] = HWC, labels: NDArray[Any] = CLASSES[:, None]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file of MedMNIST: 120, 40 and 40 examples, labels in a column."""
    parts = {"train": slice(0, 120), "val": slice(120, 160), "test": slice(160, 200)}
    return {
        f"{part}_{kind}": values[rows]
        for part, rows in parts.items()
        for kind, values in (("images", images), ("labels", labels))
    }


def keras(images: NDArray[Any] = GREY, labels: NDArray[Any] = CLASSES) -> dict[str, NDArray[Any]]:
    """Return the arrays of Keras' mnist.npz: 120 and 80 examples."""
    return {
        "x_train": images[:120],
        "y_train": labels[:120],
        "x_test": images[120:],
        "y_test": labels[120:],
    }


def kuzushiji(prefix: str = "k49") -> dict[str, bytes]:
    """Return the four files of Kuzushiji-49 or Kuzushiji-MNIST, each with an array called ``arr_0``."""
    arrays = keras(labels=CLASSES.astype(np.uint8))
    names = {
        "x_train": "train-imgs",
        "y_train": "train-labels",
        "x_test": "test-imgs",
        "y_test": "test-labels",
    }
    return {f"{prefix}-{names[name]}.npz": recipe_data.npz(arr_0=values) for name, values in arrays.items()}


@pytest.mark.parametrize("images", [HWC, IMAGES, GREY], ids=["n h w c", "n c h w", "n h w"])
def test_medmnist(images: NDArray[Any]) -> None:
    """Its val and test splits stay as they are; retain and forget are drawn from its training examples."""
    draft = make_draft("arrays", {"pathmnist.npz": recipe_data.npz(**medmnist(images))})
    assert all_rows(draft) == list(range(200))
    assert draft.splits["val"].tolist() == list(range(120, 160))
    assert draft.splits["test"].tolist() == list(range(160, 200))
    assert len(draft.splits["forget"]) == 12
    assert np.array_equal(draft.labels, CLASSES)
    assert np.array_equal(draft.images, IMAGES if images.ndim == 4 else IMAGES[:, :1])
    moved = "train_images is an array [120, 12, 12, 3] of uint8: its last axis is read as the channels"
    assert draft.notes == ((moved,) if images is HWC else ())
    other = make_draft("arrays", {"pathmnist.npz": recipe_data.npz(**medmnist(images))}, seed=4)
    assert not np.array_equal(draft.splits["forget"], other.splits["forget"])


def test_medmnist_with_a_limit() -> None:
    """Each part gets its share, and nothing changes its part."""
    draft = make_draft("arrays", {"x.npz": recipe_data.npz(**medmnist())}, max_examples=100)
    assert sum(map(len, draft.splits.values())) == 100
    assert set(draft.splits["val"]) <= set(range(120, 160))
    assert 15 <= len(draft.splits["test"]) <= 25


@pytest.mark.parametrize(
    "files",
    [
        {"mnist.npz": recipe_data.npz(**keras())},
        kuzushiji(),
        {f"folder/{name}": data for name, data in kuzushiji("kmnist").items()},
        {"a.npz": recipe_data.npz(**{k: v for k, v in medmnist(GREY).items() if "val" not in k})},
    ],
    ids=["keras", "k49", "kmnist", "no val"],
)
def test_what_is_held_out_becomes_val_and_test(files: dict[str, bytes]) -> None:
    """Training examples first, as idx files are read."""
    draft = make_draft("arrays", files)
    assert all_rows(draft) == list(range(len(draft.labels)))
    assert max(*draft.splits["retain"], *draft.splits["forget"]) < 120 <= min(draft.splits["val"])
    assert min(draft.splits["test"]) >= 120
    assert abs(len(draft.splits["val"]) - len(draft.splits["test"])) <= 1
    assert np.array_equal(draft.labels[:120], CLASSES[:120])


def test_labels_of_all_parts_are_read_together() -> None:
    """A class that one part lacks has the same number in all of them."""
    words = np.array(["cat", "dog", "ant", "bee"])[CLASSES]
    words[120:] = np.where(words[120:] == "ant", "bee", words[120:])
    draft = make_draft("arrays", {"x.npz": recipe_data.npz(**medmnist(labels=words[:, None]))})
    assert draft.class_names == ("ant", "bee", "cat", "dog")
    assert [draft.class_names[label] for label in draft.labels] == words.tolist()
    one_hot = make_draft("arrays", {"x.npz": recipe_data.npz(**medmnist(labels=np.eye(7)[CLASSES]))})
    assert (one_hot.classes, set(one_hot.labels)) == (7, {0, 1, 2, 3})


def bfloat16() -> bytes:
    """Return a safetensors file with a type that NumPy lacks."""
    header = {
        "image": {"dtype": "BF16", "shape": [2, 4, 4], "data_offsets": [0, 64]},
        "label": {"dtype": "I64", "shape": [2], "data_offsets": [64, 80]},
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(80)


def _changed(name: str, values: NDArray[Any]) -> dict[str, bytes]:
    return {"x.npz": recipe_data.npz(**{**medmnist(), name: values})}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"x.safetensors": bfloat16()},
            "x.safetensors: image has the type BF16, which is not read; save it as",
        ),
        (
            {"x.npz": recipe_data.npz(x=GREY, y=CLASSES)},
            "has no column 'image': it has x (an array [200, 12, 12] of uint8), y (an array [200] of int64); the",
        ),
        ({"x.npz": recipe_data.npz()}, "it has none; the columns are image and label"),
        (
            {"x.npz": recipe_data.npz(**{k: v for k, v in medmnist().items() if "test" not in k})},
            "x.npz has no column 'test_images': it has train_images",
        ),
        (
            {"x.npz": recipe_data.npz(x_train=GREY, y_train=CLASSES)},
            "x.npz has no column 'x_test': it has x_train",
        ),
        ({"x.npz": recipe_data.npz(image=GREY, x_train=GREY)}, "x.npz has no column 'label': it has image"),
        (_changed("weights", CLASSES), "x.npz has an unknown column 'weights'; the columns are"),
        (
            _changed("val_images", HWC[:40, :8, :8]),
            "x.npz: val_images is an array [40, 8, 8, 3] of uint8, but train_images of x.npz is an array "
            "[120, 12, 12, 3] of uint8; images must have the same size and type",
        ),
        (_changed("val_images", HWC[:40] / 255), "val_images is an array [40, 12, 12, 3] of float64, but"),
        (
            _changed("train_images", np.zeros((120, 12, 12, 4), np.uint8)),
            "train_images has shape 120x12x12x4; it must be n x h x w, n x channels x h x w or n x h x w x channels",
        ),
        (_changed("train_images", np.zeros((120, 28, 28, 28), np.uint8)), "has shape 120x28x28x28"),
        (
            _changed("train_images", HWC[:120].astype(np.int64)),
            "train_images is an array [120, 12, 12, 3] of int64; it must be bytes (uint8) or floats",
        ),
        (_changed("val_labels", CLASSES[:39]), "x.npz has 40 images, but 39 rows of val_labels"),
        (
            _changed("val_labels", np.array(["a"] * 40)),
            "val_labels is an array [40] of text (<U1), but train_labels is an array [120, 1] of int64; both",
        ),
        (
            _changed("train_labels", np.ones((120, 14), np.uint8)),
            "val_labels is an array [40, 1] of int64, but train_labels is an array [120, 14] of uint8",
        ),
        (
            {"x.npz": recipe_data.npz(**medmnist(labels=np.ones((200, 14), np.uint8)))},
            "x.npz, row 0: train_labels is an array [120, 14] of uint8, but this row is not one-hot",
        ),
        (
            {"x.npz": recipe_data.npz(**medmnist(labels=np.where(np.arange(200) == 150, 9, CLASSES)))},
            "x.npz: train_labels, val_labels, test_labels, row 150: the label 9 occurs in 1 of 200 rows",
        ),
        (
            {"a.npz": recipe_data.npz(**OWN), "b.npz": recipe_data.npz(**OWN)},
            "exactly one .npz or .safetensors file is required, not 2: a.npz, b.npz; or train-imgs.npz",
        ),
        (
            {name.replace("-test-", "-val-"): data for name, data in kuzushiji().items()},
            "the files have val, but no test; add the images and labels of test, or leave out those of val",
        ),
        (
            {"k49-train-imgs.npz": recipe_data.npz(arr_0=GREY)},
            "k49-train-imgs.npz has no partner with the labels of train",
        ),
        (
            {**kuzushiji(), "kmnist-train-imgs.npz": recipe_data.npz(arr_0=GREY)},
            "k49-train-imgs.npz and kmnist-train-imgs.npz are both images of train; leave one",
        ),
        (
            {**kuzushiji(), "k49-test-imgs.npz": recipe_data.npz(a=GREY, b=GREY)},
            "must hold one array, not a (",
        ),
        ({"x.npz": b"\x93NUMPY"}, "x.npz cannot be read"),
        ({"x.npz": recipe_data.npz(image=np.zeros(()), label=np.zeros(()))}, "x.npz: image has shape ;"),
    ],
)
def test_refusals(files: dict[str, bytes], words: str) -> None:
    """File, column, type and shape are named, and what is expected."""
    assert words in refusal("arrays", files)


class _Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["image", "label", "split"])
def test_objects_are_never_unpickled(tmp_path: Path, name: str) -> None:
    """An array of Python objects is refused by name, in any column, and as the whole file."""
    hostile = np.array([_Touch(tmp_path / "done")] * 200, dtype=object)
    columns = {"image": IMAGES, "label": CLASSES, name: hostile}
    words = refusal("arrays", {"own.npz": recipe_data.npz(**columns)})
    assert f"own.npz: {name} is an array of Python objects, which are not read" in words
    assert "own.npz cannot be read" in refusal("arrays", {"own.npz": pickle.dumps(_Touch(tmp_path / "done"))})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", range(10))
def test_small_classes_are_not_drawn_to_forget(seed: int) -> None:
    """Where the seed's first draw is a class with too few examples, others are drawn."""
    labels = np.concatenate([np.repeat([0, 1, 2], 60), np.repeat([3, 4, 5, 6, 7], 4)])
    files = {"own.npz": recipe_data.npz(image=IMAGES, label=labels)}
    draft = make_draft("arrays", files, seed=seed, forget_fraction=0.2)
    assert set(labels[draft.splits["forget"]]) == {0, 1, 2}
    assert set(draft.splits) == set(SPLITS)


def test_many_small_classes_are_forgotten_in_part() -> None:
    """Where three classes are too few examples, as in CIFAR-100, they come from more; none is forgotten whole."""
    labels = np.arange(200) % 40
    files = {"own.npz": recipe_data.npz(image=IMAGES, label=labels)}
    draft = make_draft("arrays", files, forget_fraction=0.2)
    forgotten = np.bincount(labels[draft.splits["forget"]], minlength=40)
    train = forgotten + np.bincount(labels[draft.splits["retain"]], minlength=40)
    assert forgotten.sum() == 28
    assert 10 < np.count_nonzero(forgotten) < 30
    assert (forgotten <= 0.6 * train).all()
    words = "84 of 140 training examples would have to be forgotten, but"
    assert words in refusal("arrays", files, forget_fraction=0.6)
