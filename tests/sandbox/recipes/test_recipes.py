"""Recipes read organizers' files, split them cleanly, and refuse damaged ones with file and row."""

from __future__ import annotations

import gzip
import re
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from sandbox.protocol.recipe_files import pictures, select_files
from sandbox.protocol.recipes import RECIPES as NAMES
from sandbox.protocol.splits import SPLITS
from sandbox.recipes import RECIPES
from sandbox.recipes.api import RecipeError
from sandbox.recipes.faces import age_groups, read_ages
from sandbox.recipes.splits import check_splits, random_state, split_by_person, stratified_order
from tests.sandbox.recipes.drafts import all_rows, make_draft, refusal
from tests.support import recipe_data


def test_host_and_trainer_know_the_same_recipes() -> None:
    """What the command line offers is what the trainer has."""
    assert set(NAMES) == set(RECIPES)
    assert [name for name, facts in NAMES.items() if facts.embeds_data] == ["digits"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("digits", {}),
        ("idx", recipe_data.mnist()),
        (
            "arrays",
            {
                "own.npz": recipe_data.npz(
                    image=recipe_data.own_arrays()["image"], label=recipe_data.own_arrays()["label"]
                )
            },
        ),
        ("arrays", {"own.npz": recipe_data.npz(**recipe_data.own_arrays())}),
        ("cifar10", recipe_data.cifar_binary()),
    ],
    ids=["digits", "idx", "arrays", "arrays by person", "cifar10"],
)
def test_splits(name: str, files: dict[str, bytes]) -> None:
    """Every example is in one split; the same seed gives the same splits, another seed others."""
    draft = make_draft(name, files)
    assert all_rows(draft) == list(range(len(draft.labels)))
    repeated, other = make_draft(name, files), make_draft(name, files, seed=4)
    for split in SPLITS:
        assert np.array_equal(draft.splits[split], repeated.splits[split])
        assert not np.array_equal(draft.splits[split], other.splits[split])


def test_limit_of_examples() -> None:
    """A limit takes exactly that many examples, each class in proportion; another seed takes others."""
    draft, other = (make_draft("idx", recipe_data.mnist(), seed=seed, max_examples=150) for seed in (1, 2))
    rows = all_rows(draft)
    assert len(rows) == 150
    assert set(np.bincount(draft.labels[rows])) <= {14, 15, 16}
    assert rows != all_rows(other)


def test_stratified_order_is_stratified_in_every_stretch() -> None:
    """Of 300 rows in three classes 6 : 3 : 1, any 30 in a row hold about 18, 9 and 3."""
    labels = np.repeat([0, 1, 2], [180, 90, 30])
    order = stratified_order(labels, random_state(0))
    assert sorted(order) == list(range(300))
    for first in range(0, 271, 15):
        counts = np.bincount(labels[order[first : first + 30]], minlength=3)
        assert np.abs(counts - [18, 9, 3]).max() <= 2


def test_idx_names_and_pairs() -> None:
    """Held-out files alone are split; with training files they become val and test, under any usual name."""
    images, labels = recipe_data.uncompressed_mnist()
    zipped = recipe_data.mnist()
    both = {
        "MNIST/raw/train-images.idx3-ubyte": images,
        "MNIST/raw/train-labels.idx1-ubyte": labels,
        "MNIST/raw/train-images-idx3-ubyte.gz": b"not a train image of another name",
        f"MNIST/raw/{recipe_data.IMAGES}": zipped[recipe_data.IMAGES],
        f"MNIST/raw/{recipe_data.LABELS}": zipped[recipe_data.LABELS],
        "README": b"hello",
    }
    message = refusal("idx", both)
    assert "are both images" in message
    both["MNIST/raw/train-images.idx3-ubyte.gz"] = both.pop("MNIST/raw/train-images-idx3-ubyte.gz")
    draft = make_draft("idx", both)
    assert all_rows(draft) == list(range(600))
    assert max(*draft.splits["retain"], *draft.splits["forget"]) < 300
    assert min(*draft.splits["val"], *draft.splits["test"]) >= 300
    assert len(draft.splits["forget"]) == 30
    assert len(set(draft.labels[draft.splits["forget"]])) == 3


def test_qmnist() -> None:
    """Its names say test and idx2; the first of its columns of 32-bit integers is the class."""
    draft = make_draft("idx", recipe_data.qmnist())
    _images, labels = recipe_data.uncompressed_mnist()
    assert draft.labels.tolist() == 2 * list(labels[8:])
    assert max(*draft.splits["retain"], *draft.splits["forget"]) < 300 <= min(draft.splits["val"])
    alone = {name: data for name, data in recipe_data.qmnist().items() if "images" in name}
    words = "qmnist-train-images-idx3-ubyte.gz has no partner with the labels beside it"
    assert refusal("idx", alone) == words
    small = recipe_data.idx_head(300, 14, 14) + bytes(300 * 196)
    words = "has images of 28x28, but qmnist-test-images-idx3-ubyte.gz of 14x14"
    assert words in refusal("idx", {**recipe_data.qmnist(), "qmnist-test-images-idx3-ubyte.gz": small})
    floats = bytes((0, 0, 0x0D, 1)) + np.array([300], ">u4").tobytes() + bytes(1200)
    words = "qmnist-test-labels-idx2-int.gz is an idx1 file of float32; expected is idx1 of uint8 or idx1 of int32"
    assert words in refusal("idx", {**recipe_data.qmnist(), "qmnist-test-labels-idx2-int.gz": floats})


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (
            recipe_data.uncompressed_mnist()[0][:-800],
            None,
            r"t10k-images-idx3-ubyte\.gz ends in row 298; its header announces 300 rows",
        ),
        (recipe_data.uncompressed_mnist()[0] + b"x", None, "has 1 bytes after its last row, 299"),
        (
            gzip.compress(recipe_data.uncompressed_mnist()[0])[:-20],
            None,
            r"t10k-images-idx3-ubyte\.gz cannot be decompressed",
        ),
        (b"\x1f\x8bnonsense", None, "cannot be decompressed"),
        (b"PNG", None, "does not have the header of an idx3 file"),
        (recipe_data.idx_head(0, 28, 28), None, "has no rows"),
        (None, recipe_data.uncompressed_mnist()[1][:50], r"t10k-labels-idx1-ubyte\.gz ends in row 42"),
        (None, recipe_data.idx_head(4) + bytes(4), "300 images, but t10k-labels-idx1-ubyte.gz has 4 labels"),
        (
            None,
            recipe_data.uncompressed_mnist()[1][:25] + b"\xc8" + recipe_data.uncompressed_mnist()[1][26:],
            r"t10k-labels-idx1-ubyte\.gz, row 17: the label 200 occurs in 1 of 300",
        ),
        (None, recipe_data.idx_head(300) + bytes(300), "one class only"),
    ],
)
def test_damaged_idx(images: bytes | None, labels: bytes | None, words: str) -> None:
    """One sentence names the file and the row."""
    intact = recipe_data.mnist()
    files = {
        recipe_data.IMAGES: images if images is not None else intact[recipe_data.IMAGES],
        recipe_data.LABELS: labels if labels is not None else intact[recipe_data.LABELS],
    }
    with pytest.raises(RecipeError, match=words):
        make_draft("idx", files)


def test_arrays_with_a_split_column() -> None:
    """The column decides the splits in either format; bytes are scaled to 0..1, floats keep their values."""
    own = recipe_data.own_arrays()
    own["split"] = np.repeat([0, 1, 2, 3], 50)
    for files in ({"own.npz": recipe_data.npz(**own)}, {"own.safetensors": save(own)}):
        draft = make_draft("arrays", files)
        assert [list(draft.splits[name]) for name in SPLITS] == np.arange(200).reshape(4, 50).tolist()
        assert draft.architecture == "convnet-3"
        assert draft.to_float(draft.images).max() <= 1
    own["image"] = (own["image"] * 2.0).astype(np.float64)
    floats = make_draft("arrays", {"own.npz": recipe_data.npz(**own)})
    assert floats.to_float(floats.images).max() > 255


def _with(row: int, **values: Any) -> dict[str, np.ndarray[Any, Any]]:
    own = {**recipe_data.own_arrays(), "split": np.repeat([0, 1, 2, 3], 50)}
    for name, value in values.items():
        own[name] = own[name].astype(float if name == "image" else int)
        own[name][row] = value
    return own


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (_with(7, image=np.nan), r"own\.npz, row 7: the image contains a number that is not finite"),
        (_with(9, label=-1), r"own\.npz, row 9: the label -1 is negative"),
        (_with(11, label=70), r"own\.npz, row 11: the label 70 occurs in 1"),
        (_with(12, split=4), r"own\.npz, row 12: split 4 is not between 0 and 3"),
        ({**_with(0), "label": np.zeros(3, int)}, "200 images, but 3 rows of label"),
        ({**_with(0), "label": np.array(["a"] * 200)}, "own.npz has one class only"),
        ({**_with(0), "weight": np.zeros(200)}, "has an unknown column 'weight'"),
        ({"image": _with(0)["image"]}, "has no column 'label'"),
        ({**_with(0), "image": np.zeros((200, 2, 8, 8))}, "200x2x8x8"),
        ({**_with(0), "image": np.zeros((200, 8, 8), int)}, "must be bytes .uint8. or floats"),
        (
            {**_with(0), "label": np.array([None] * 200)},
            r"own\.npz: label is an array of Python objects, which are not read; save it .* \.astype\(str\)",
        ),
    ],
)
def test_damaged_arrays(columns: dict[str, Any], words: str) -> None:
    """One sentence names the file and the row; nothing is ever unpickled."""
    with pytest.raises(RecipeError, match=words):
        make_draft("arrays", {"own.npz": recipe_data.npz(**columns)})


def test_a_person_in_two_splits_is_refused() -> None:
    """A person in two splits is refused also where the organizer's file assigns the splits."""
    own = _with(50, person=0)
    draft = make_draft("arrays", {"own.npz": recipe_data.npz(**own)})
    with pytest.raises(RecipeError, match="person 0 is in retain and in forget"):
        check_splits(draft.splits, draft.extra["person_id"])


@pytest.mark.parametrize("seed", range(20))
def test_persons_stay_together(seed: int) -> None:
    """A person is in one split for any seed, with as few as four persons; the forget set has about the requested size."""
    few = np.array([7, 7, 7, 8, 9, 9, 4])
    check_splits(split_by_person(np.arange(7), few, forget_fraction=0.1, state=random_state(seed)), few)
    many = np.random.RandomState(seed).randint(0, 400, size=4000)
    splits = split_by_person(np.arange(4000), many, forget_fraction=0.1, state=random_state(seed))
    check_splits(splits, many)
    assert 280 <= len(splits["forget"]) <= 310
    assert 2480 <= len(splits["retain"]) <= 2550
    with pytest.raises(RecipeError, match="3 persons are too few"):
        split_by_person(np.arange(6), few[:6], forget_fraction=0.1, state=random_state(seed))


def test_age_groups_are_of_equal_width() -> None:
    """Ten groups from the youngest to the oldest known age, both included, whether or not they have a picture."""
    ages = list(range(20, 70))
    assert age_groups(ages, known=ages).tolist() == np.repeat(np.arange(10), 5).tolist()
    assert age_groups([33, 33], known=[33]).tolist() == [0, 0]
    assert age_groups([30, 39, 40], known=[0, 99, 30]).tolist() == [3, 3, 4]


@pytest.mark.parametrize("seed", range(20))
def test_shared_persons_are_not_in_both_retain_and_forget(seed: int) -> None:
    """As in the contest, examples are split regardless of person, and some persons' training examples are forgotten."""
    persons = np.random.RandomState(seed).randint(0, 100, size=2000)
    splits = split_by_person(
        np.arange(2000), persons, forget_fraction=0.1, state=random_state(seed), shared=True
    )
    check_splits(splits, persons, shared=True)
    with pytest.raises(RecipeError, match=r"person \d+ is in retain and in val"):
        check_splits(splits, persons)
    assert sorted(np.concatenate(list(splits.values()))) == list(range(2000))
    assert [len(splits[name]) for name in ("val", "test")] == [300, 300]
    assert 140 <= len(splits["forget"]) <= 165
    with pytest.raises(RecipeError, match="1 persons are too few to forget some"):
        split_by_person(
            np.arange(9), np.zeros(9, int), forget_fraction=0.1, state=random_state(seed), shared=True
        )


def test_a_person_both_retained_and_forgotten_is_refused() -> None:
    """Sharing persons does not extend to retain and forget: nothing would be left to forget."""
    persons = np.array([1, 1, 2, 1])
    alone = {"retain": np.array([0]), "forget": np.array([2]), "val": np.array([1]), "test": np.array([3])}
    check_splits(alone, persons, shared=True)
    with pytest.raises(RecipeError, match="person 1 is in retain and in forget"):
        check_splits({**alone, "forget": np.array([1]), "val": np.array([2])}, persons, shared=True)


def test_colour_pictures_of_the_contests_layout_are_read() -> None:
    """Only the contest's camera, with background; not the depth and infrared pictures in the same folders."""
    cameras = [
        f"{kind}/01/CLKJ_AS0001/{camera}/{picture}/1.jpg"
        for kind in ("WBackground", "Cropped")
        for camera in ("real.rssdk", "fake.rssdk")
        for picture in ("color", "depth", "ir")
    ]
    assert pictures(cameras) == ["WBackground/01/CLKJ_AS0001/real.rssdk/color/1.jpg"]
    assert pictures(cameras[6:]) == ["Cropped/01/CLKJ_AS0001/real.rssdk/color/1.jpg"]
    assert pictures(["b/color/1.PNG", "a/1.jpg", "a/notes.txt"]) == ["a/1.jpg", "b/color/1.PNG"]


def test_only_files_that_a_recipe_reads_are_sent() -> None:
    """For faces, the tables and the pictures that it reads; for other recipes, all files."""
    names = ["x/Age_Gender.txt", "x/real.rssdk/color/1.jpg", "x/real.rssdk/ir/1.jpg", "test.csv", "notes.txt"]
    assert select_files("faces", names) == ["test.csv", "x/Age_Gender.txt", "x/real.rssdk/color/1.jpg"]
    assert select_files("idx", names) == sorted(names)


def test_tables_that_share_persons() -> None:
    """They are refused unless persons may be shared; between retain and forget always."""
    files = recipe_data.tables(validation="3-1,3,23,3")
    files["retain.csv"] = files["retain.csv"].replace(b"\n3-1,3,23,3", b"")
    assert re.match(
        r"validation\.csv, line 22: person 3 is also in retain\.csv, line 8", refusal("faces", files)
    )
    files["forget.csv"] += b"\n4-1,4,24,4"
    files["retain.csv"] = files["retain.csv"].replace(b"\n4-1,4,24,4", b"")
    message = refusal("faces", files, shared_persons=True)
    assert re.match(r"forget\.csv, line 22: person 4 is also in retain\.csv, line 9", message)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a 20 M\nb 30", "ages, line 2: it is not a name"),
        (b"a 20 M\n\nb thirty F", "ages, line 3: the age is 'thirty'"),
        (b"a 20 M\na 21 M", "ages, line 2: a appears twice"),
        (b"a 20 M\nb 151 F", "line 2: the age is '151'"),
        (b"a 20 M\n\xff 15 F", "ages, line 2: it is not text"),
    ],
)
def test_damaged_ages(text: bytes, words: str) -> None:
    """The file and the line are named."""
    with pytest.raises(RecipeError, match=words):
        read_ages("ages", text)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            recipe_data.tables(forget="3-0,3,23,3"),
            r"forget\.csv, line 22: the image 3-0 is already in retain\.csv, line 8",
        ),
        (
            recipe_data.tables(forget="3-9,3,23,3"),
            r"forget\.csv, line 22: person 3 is also in retain\.csv, line 8",
        ),
        (
            recipe_data.tables(test="39-9,3,23,39"),
            r"test\.csv, line 22: the image images/39/9\.png is missing",
        ),
        (
            recipe_data.tables(retain="9-0"),
            r"retain\.csv, line 22: it does not have as many columns as the header",
        ),
        ({"retain.csv": b"image_id,age\n"}, r"forget\.csv is missing"),
        (
            {**recipe_data.tables(), "forget.csv": b"image_id,age,person_id\n"},
            "line 1: the column age_group is missing",
        ),
        ({**recipe_data.faces(), "lost/1.png": b""}, r"lost/1\.png: none of its folders is a person"),
        ({"a.png": b""}, "neither Age_Gender.txt nor retain.csv"),
    ],
)
def test_damaged_faces(files: dict[str, bytes], words: str) -> None:
    """The file and the line are named, before any image is decoded."""
    with pytest.raises(RecipeError, match=words):
        make_draft("faces", files)
