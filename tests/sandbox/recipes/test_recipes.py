"""Do recipes read what organizers have, split it cleanly, and refuse damage with file and row?"""

from __future__ import annotations

import gzip
import io
import pickle
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from sandbox.protocol.recipe_files import pictures, select_files
from sandbox.protocol.recipes import RECIPES as NAMES
from sandbox.protocol.splits import SPLITS
from sandbox.recipes import RECIPES
from sandbox.recipes import tar as tarred
from sandbox.recipes.api import Draft, RecipeError, Request
from sandbox.recipes.faces import age_groups, read_ages
from sandbox.recipes.splits import by_person, check_splits, random_state, stratified_order
from tests.support import recipe_data as made
from tests.support.npy import npy


def draft(name: str, files: Mapping[str, bytes], *, seed: int = 3, **asked: Any) -> Draft:
    fraction = asked.pop("forget_fraction", 0.1)
    return RECIPES[name](Request(seed=seed, forget_fraction=fraction, files=files, **asked))


def refusal(name: str, files: Mapping[str, bytes], **asked: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        draft(name, files, **asked)
    return str(caught.value)


def all_rows(found: Draft) -> list[int]:
    check_splits(found.splits, found.extra.get("person_id"))
    assert tuple(found.splits) == SPLITS or set(found.splits) == set(SPLITS)
    return sorted(int(row) for rows in found.splits.values() for row in rows)


def test_host_and_trainer_know_the_same_recipes() -> None:
    """What the command line offers is what the trainer has."""
    assert set(NAMES) == set(RECIPES)
    assert [name for name, facts in NAMES.items() if facts.embeds_data] == ["digits"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("digits", {}),
        ("idx", made.mnist()),
        (
            "arrays",
            {"own.npz": made.packed(image=made.own_arrays()["image"], label=made.own_arrays()["label"])},
        ),
        ("arrays", {"own.npz": made.packed(**made.own_arrays())}),
        ("cifar10", made.cifar_binary()),
    ],
    ids=["digits", "idx", "arrays", "arrays by person", "cifar10"],
)
def test_splits(name: str, files: dict[str, bytes]) -> None:
    """Every example is in one split; the same seed gives the same, another seed other splits."""
    found = draft(name, files)
    assert all_rows(found) == list(range(len(found.labels)))
    again, other = draft(name, files), draft(name, files, seed=4)
    for split in SPLITS:
        assert np.array_equal(found.splits[split], again.splits[split])
        assert not np.array_equal(found.splits[split], other.splits[split])


def test_limited() -> None:
    """A limit takes exactly so many examples, each class in proportion, and others by another seed."""
    found, other = (draft("idx", made.mnist(), seed=seed, most_examples=150) for seed in (1, 2))
    rows = all_rows(found)
    assert len(rows) == 150
    assert set(np.bincount(found.labels[rows])) <= {14, 15, 16}
    assert rows != all_rows(other)


def test_stratified_order_in_every_stretch() -> None:
    """Of 300 rows in three classes 6 : 3 : 1, any 30 in a row hold about 18, 9 and 3."""
    labels = np.repeat([0, 1, 2], [180, 90, 30])
    order = stratified_order(labels, random_state(0))
    assert sorted(order) == list(range(300))
    for first in range(0, 271, 15):
        counts = np.bincount(labels[order[first : first + 30]], minlength=3)
        assert np.abs(counts - [18, 9, 3]).max() <= 2


def test_idx_names_and_pairs() -> None:
    """Held-out files alone are split; beside training files they become val and test, under any usual name."""
    images, labels = made.unzipped()
    zipped = made.mnist()
    both = {
        "MNIST/raw/train-images.idx3-ubyte": images,
        "MNIST/raw/train-labels.idx1-ubyte": labels,
        "MNIST/raw/train-images-idx3-ubyte.gz": b"not a train image of another name",
        f"MNIST/raw/{made.IMAGES}": zipped[made.IMAGES],
        f"MNIST/raw/{made.LABELS}": zipped[made.LABELS],
        "README": b"hello",
    }
    message = refusal("idx", both)
    assert "are both images" in message
    both["MNIST/raw/train-images.idx3-ubyte.gz"] = both.pop("MNIST/raw/train-images-idx3-ubyte.gz")
    found = draft("idx", both)
    assert all_rows(found) == list(range(600))
    assert max(*found.splits["retain"], *found.splits["forget"]) < 300
    assert min(*found.splits["val"], *found.splits["test"]) >= 300
    assert len(found.splits["forget"]) == 30
    assert len(set(found.labels[found.splits["forget"]])) == 3


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (made.unzipped()[0][:-800], None, r"t10k-images-idx3-ubyte\.gz ends in row 298; 300 rows"),
        (made.unzipped()[0] + b"x", None, "goes on for 1 bytes after its last row, 299"),
        (gzip.compress(made.unzipped()[0])[:-20], None, r"t10k-images-idx3-ubyte\.gz cannot be unzipped"),
        (b"\x1f\x8bnonsense", None, "cannot be unzipped"),
        (b"PNG", None, "does not begin like an idx3 file"),
        (made.idx_head(0, 28, 28), None, "holds no rows"),
        (None, made.unzipped()[1][:50], r"t10k-labels-idx1-ubyte\.gz ends in row 42"),
        (None, made.idx_head(4) + bytes(4), "300 images, t10k-labels-idx1-ubyte.gz 4 labels"),
        (
            None,
            made.unzipped()[1][:25] + b"\xc8" + made.unzipped()[1][26:],
            r"t10k-labels-idx1-ubyte\.gz, row 17: the label 200 stands on 1 of 300",
        ),
        (None, made.idx_head(300) + bytes(300), "one class only"),
    ],
)
def test_damaged_idx(images: bytes | None, labels: bytes | None, words: str) -> None:
    """One sentence names the file and the row."""
    there = made.mnist()
    files = {
        made.IMAGES: images if images is not None else there[made.IMAGES],
        made.LABELS: labels if labels is not None else there[made.LABELS],
    }
    with pytest.raises(RecipeError, match=words):
        draft("idx", files)


def test_arrays_say_their_splits() -> None:
    """In either format; bytes are brought to 0..1, floats left alone."""
    own = made.own_arrays()
    own["split"] = np.repeat([0, 1, 2, 3], 50)
    for files in ({"own.npz": made.packed(**own)}, {"own.safetensors": save(own)}):
        found = draft("arrays", files)
        assert [list(found.splits[name]) for name in SPLITS] == np.arange(200).reshape(4, 50).tolist()
        assert found.architecture == "convnet-3"
        assert found.to_float(found.images).max() <= 1
    own["image"] = (own["image"] * 2.0).astype(np.float64)
    kept = draft("arrays", {"own.npz": made.packed(**own)})
    assert kept.to_float(kept.images).max() > 255


def _with(row: int, **values: Any) -> dict[str, np.ndarray[Any, Any]]:
    own = {**made.own_arrays(), "split": np.repeat([0, 1, 2, 3], 50)}
    for name, value in values.items():
        own[name] = own[name].astype(float if name == "image" else int)
        own[name][row] = value
    return own


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (_with(7, image=np.nan), r"own\.npz, row 7: the image holds a number that is not finite"),
        (_with(9, label=-1), r"own\.npz, row 9: the label -1 is negative"),
        (_with(11, label=70), r"own\.npz, row 11: the label 70 stands on 1"),
        (_with(12, split=4), r"own\.npz, row 12: there is no split 4"),
        ({**_with(0), "label": np.zeros(3, int)}, "200 images, and 3 rows of label"),
        ({**_with(0), "label": np.array(["a"] * 200)}, "label is not one row of integers"),
        ({**_with(0), "weight": np.zeros(200)}, "'weight', which is not known"),
        ({"image": _with(0)["image"]}, "has no label"),
        ({**_with(0), "image": np.zeros((200, 2, 8, 8))}, "200x2x8x8"),
        ({**_with(0), "image": np.zeros((200, 8, 8), int)}, "bytes .uint8. or floats"),
        ({**_with(0), "label": np.array([None] * 200)}, r"own\.npz cannot be read: .*allow_pickle"),
    ],
)
def test_damaged_arrays(columns: dict[str, Any], words: str) -> None:
    """One sentence names the file and the row; nothing is ever unpickled."""
    with pytest.raises(RecipeError, match=words):
        draft("arrays", {"own.npz": made.packed(**columns)})


def test_a_person_on_two_sides_is_refused() -> None:
    """Also where the organizer's file says the splits itself."""
    own = _with(50, person=0)
    found = draft("arrays", {"own.npz": made.packed(**own)})
    with pytest.raises(RecipeError, match="person 0 is in retain and in forget"):
        check_splits(found.splits, found.extra["person_id"])


@pytest.mark.parametrize("seed", range(20))
def test_persons_stay_together(seed: int) -> None:
    """Whatever the seed, with as few as four persons; the forget set is about as large as asked."""
    few = np.array([7, 7, 7, 8, 9, 9, 4])
    check_splits(by_person(np.arange(7), few, forget_fraction=0.1, state=random_state(seed)), few)
    many = np.random.RandomState(seed).randint(0, 400, size=4000)
    splits = by_person(np.arange(4000), many, forget_fraction=0.1, state=random_state(seed))
    check_splits(splits, many)
    assert 280 <= len(splits["forget"]) <= 310
    assert 2480 <= len(splits["retain"]) <= 2550
    with pytest.raises(RecipeError, match="3 persons are too few"):
        by_person(np.arange(6), few[:6], forget_fraction=0.1, state=random_state(seed))


def test_age_groups_are_of_equal_width() -> None:
    """Ten groups from the youngest to the oldest known, both of them inside, whoever has a picture."""
    ages = list(range(20, 70))
    assert age_groups(ages, known=ages).tolist() == np.repeat(np.arange(10), 5).tolist()
    assert age_groups([33, 33], known=[33]).tolist() == [0, 0]
    assert age_groups([30, 39, 40], known=[0, 99, 30]).tolist() == [3, 3, 4]


@pytest.mark.parametrize("seed", range(20))
def test_shared_persons_are_kept_out_of_retain_or_forget(seed: int) -> None:
    """As in the contest: examples are dealt out whoever is on them, and some persons of training forgotten."""
    persons = np.random.RandomState(seed).randint(0, 100, size=2000)
    splits = by_person(np.arange(2000), persons, forget_fraction=0.1, state=random_state(seed), shared=True)
    check_splits(splits, persons, shared=True)
    with pytest.raises(RecipeError, match=r"person \d+ is in retain and in val"):
        check_splits(splits, persons)
    assert sorted(np.concatenate(list(splits.values()))) == list(range(2000))
    assert [len(splits[name]) for name in ("val", "test")] == [300, 300]
    assert 140 <= len(splits["forget"]) <= 165
    with pytest.raises(RecipeError, match="1 persons are too few to forget some"):
        by_person(np.arange(9), np.zeros(9, int), forget_fraction=0.1, state=random_state(seed), shared=True)


def test_a_shared_person_is_never_both_retained_and_forgotten() -> None:
    """Whatever the organizer said: nothing would be left to forget."""
    persons = np.array([1, 1, 2, 1])
    alone = {"retain": np.array([0]), "forget": np.array([2]), "val": np.array([1]), "test": np.array([3])}
    check_splits(alone, persons, shared=True)
    with pytest.raises(RecipeError, match="person 1 is in retain and in forget"):
        check_splits({**alone, "forget": np.array([1]), "val": np.array([2])}, persons, shared=True)


def test_of_the_contests_own_layout_the_colour_pictures_are_read() -> None:
    """Those of the camera that it took, with their background; depth and infrared pictures lie beside them."""
    cameras = [
        f"{kind}/01/CLKJ_AS0001/{camera}/{picture}/1.jpg"
        for kind in ("WBackground", "Cropped")
        for camera in ("real.rssdk", "fake.rssdk")
        for picture in ("color", "depth", "ir")
    ]
    assert pictures(cameras) == ["WBackground/01/CLKJ_AS0001/real.rssdk/color/1.jpg"]
    assert pictures(cameras[6:]) == ["Cropped/01/CLKJ_AS0001/real.rssdk/color/1.jpg"]
    assert pictures(["b/color/1.PNG", "a/1.jpg", "a/notes.txt"]) == ["a/1.jpg", "b/color/1.PNG"]


def test_what_a_recipe_does_not_read_is_not_sent() -> None:
    """Of faces the tables and the pictures that count; of others all files, since a recipe alone knows."""
    names = ["x/Age_Gender.txt", "x/real.rssdk/color/1.jpg", "x/real.rssdk/ir/1.jpg", "test.csv", "notes.txt"]
    assert select_files("faces", names) == ["test.csv", "x/Age_Gender.txt", "x/real.rssdk/color/1.jpg"]
    assert select_files("idx", names) == sorted(names)


def test_the_contests_tables_share_persons() -> None:
    """They are refused unless that is said, and between retain and forget always."""
    files = made.tables(validation="3-1,3,23,3")
    files["retain.csv"] = files["retain.csv"].replace(b"\n3-1,3,23,3", b"")
    assert re.match(
        r"validation\.csv, line 22: person 3 is in retain\.csv, line 8 too", refusal("faces", files)
    )
    files["forget.csv"] += b"\n4-1,4,24,4"
    files["retain.csv"] = files["retain.csv"].replace(b"\n4-1,4,24,4", b"")
    said = refusal("faces", files, shared_persons=True)
    assert re.match(r"forget\.csv, line 22: person 4 is in retain\.csv, line 9 too", said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a 20 M\nb 30", "ages, line 2: it is not a name"),
        (b"a 20 M\n\nb thirty F", "ages, line 3: the age is 'thirty'"),
        (b"a 20 M\na 21 M", "ages, line 2: a stands twice"),
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
            made.tables(forget="3-0,3,23,3"),
            r"forget\.csv, line 22: the image 3-0 stands in retain\.csv, line 8",
        ),
        (made.tables(forget="3-9,3,23,3"), r"forget\.csv, line 22: person 3 is in retain\.csv, line 8 too"),
        (made.tables(test="39-9,3,23,39"), r"test\.csv, line 22: there is no image images/39/9\.png"),
        (made.tables(retain="9-0"), r"retain\.csv, line 22: it has another number of columns"),
        ({"retain.csv": b"image_id,age\n"}, r"forget\.csv is missing"),
        (
            {**made.tables(), "forget.csv": b"image_id,age,person_id\n"},
            "line 1: there is no column age_group",
        ),
        ({**made.faces(), "lost/1.png": b""}, r"lost/1\.png: none of its folders is a person"),
        ({"a.png": b""}, "there is neither Age_Gender.txt nor retain.csv"),
    ],
)
def test_damaged_faces(files: dict[str, bytes], words: str) -> None:
    """The file and the line are named, before any image is looked at."""
    with pytest.raises(RecipeError, match=words):
        draft("faces", files)


def test_both_versions_of_cifar_are_the_same() -> None:
    """Pixels, labels and splits; the pickle gives NumPy's arrays and nothing else."""
    found, other = draft("cifar10", made.cifar_binary()), draft("cifar10", made.cifar_python())
    assert np.array_equal(found.images, other.images)
    assert np.array_equal(found.labels, other.labels)
    for split in SPLITS:
        assert np.array_equal(found.splits[split], other.splits[split])


@pytest.mark.parametrize("files", [made.cifar_python(), made.cifar_binary()], ids=["python", "binary"])
def test_cifar_as_it_is_published(files: dict[str, bytes]) -> None:
    """The archive gives what its batches give, and the starting kit's file may lie beside it."""
    beside = {"forget_idx.npy": npy(np.array([5, 3, 199]))}
    loose, packed = (
        draft("cifar10", {**data, **beside}) for data in (files, {"cifar-10.tar.gz": made.tarred(files)})
    )
    assert np.array_equal(loose.images, packed.images)
    for split in SPLITS:
        assert np.array_equal(loose.splits[split], packed.splits[split])


def test_a_tar_that_claims_too_much() -> None:
    """A member is refused by what it claims, before it is inflated; so is the sum of all members."""
    assert all(name in str(tarred.ENDINGS) for name in (".tar.gz", ".tgz"))
    large, many = tarfile.TarInfo("large"), io.BytesIO()
    large.size = tarred.MEMBER_BYTES + 1
    words = refusal("cifar10", {"a.tar": large.tobuf() + bytes(512)})
    assert words == "a.tar: 'large' is larger than an archive's file may be"
    with gzip.GzipFile(fileobj=many, mode="wb", compresslevel=1) as file:
        for _ in range(1 + tarred.TOTAL_BYTES // tarred.MEMBER_BYTES):
            large.size = tarred.MEMBER_BYTES
            file.write(large.tobuf())
            file.write(bytes(large.size))
    assert "larger than" in refusal("cifar10", {"a.tar.gz": many.getvalue()})


def test_the_starting_kits_forget_file() -> None:
    """Those training examples are forgotten, all others retained; val and test come from the test batch."""
    forget = np.array([5, 3, 199])
    found = draft("cifar10", {**made.cifar_python(), "forget_idx.npy": npy(forget)})
    assert found.splits["forget"].tolist() == [3, 5, 199]
    assert all_rows(found) == list(range(300))
    assert min(*found.splits["val"], *found.splits["test"]) >= 200


class _Opens:
    def __reduce__(self) -> Any:
        return open, ("opened", "w")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (made.cifar_python(extra=_Opens()), r"_batch cannot be read: it wants _?io\.open"),
        ({"data_batch_1": pickle.dumps({b"data": 1})}, "it has no data and labels"),
        ({"data_batch_1": b"\x80\x02nonsense"}, "data_batch_1 cannot be read"),
        ({"data_batch_1.bin": bytes(3074)}, r"data_batch_1\.bin ends in row 1"),
        (
            {**made.cifar_python(), "forget_idx.npy": npy(np.array([1, 200]))},
            "row 1: there is no training example 200",
        ),
        ({**made.cifar_python(), "forget_idx.npy": npy(np.array([1, 2, 1]))}, "row 2: 1 stands twice"),
        ({**made.cifar_python(), "forget_idx.npy": b"x"}, r"forget_idx\.npy cannot be read"),
        ({**made.cifar_python(), **made.cifar_binary()}, "are the same batch"),
        ({"a.tgz": made.tarred(made.cifar_python()), **made.cifar_python()}, "are the same batch"),
        ({"a.tar.gz": b"\x1f\x8bnonsense"}, r"a\.tar\.gz cannot be read"),
        ({"a.tar.gz": made.tarred(made.cifar_python())[:9000]}, r"a\.tar\.gz cannot be read"),
        ({"a.tar": made.tarred({"x/y": b"z"}, "w")}, r"there is no file with a name like data_batch_1"),
    ],
)
def test_damaged_cifar(
    files: dict[str, bytes], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and row are named, and a pickle that wants more than arrays gets nothing done."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=words):
        draft("cifar10", files)
    assert not list(tmp_path.iterdir())
