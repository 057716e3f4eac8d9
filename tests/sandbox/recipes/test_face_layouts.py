"""Faces in the layouts of UTKFace and MUFAC; pictures are decoded in the image only, so drafts stop before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sandbox.protocol.recipe_files import select_files
from sandbox.recipes.api import RecipeError, Request
from sandbox.recipes.faces import person_numbers, read_faces, split_faces
from sandbox.recipes.splits import check_splits
from tests.support import recipe_data


def _request(files: dict[str, bytes], **options: Any) -> Request:
    return Request(seed=3, forget_fraction=0.1, files=files, **options)


def _refusal(files: dict[str, bytes]) -> str:
    with pytest.raises(RecipeError) as error:
        read_faces(_request(files))
    return str(error.value)


def test_utkface() -> None:
    """The age is in the name, also where the race is missing; splits are by image, as no person is known."""
    files = recipe_data.utkface()
    odd = [
        "44_1_4_20170116235150272.pg.chip.jpg",
        "24_0_1_20170116220224657 .jpg",
        "61_3_20170109150557335.jpg",
    ]
    request = _request({**files, "UTKFace/readme.jpg": b"", **dict.fromkeys(odd, b"")})
    faces = read_faces(request)
    assert len(faces.faces) == len(files) + len(odd)
    ages = np.array([face.age for face in faces.faces])
    assert (ages.min(), ages.max()) == (1, 61)
    assert faces.labels.tolist() == ((ages - 1) * 10 // 61).tolist()
    assert faces.unread == "with other names than UTKFace's"
    assert person_numbers([face.person for face in faces.faces]) is None
    request = _request(files)
    splits = split_faces(read_faces(request), None, request)
    assert sorted(row for rows in splits.values() for row in rows) == list(range(len(files)))
    limited = split_faces(read_faces(request), None, _request(files, max_examples=100))
    assert sum(map(len, limited.values())) == 100


def test_mufac() -> None:
    """Val and test are the tables'; of train some persons are forgotten, known by family and person."""
    request = _request(recipe_data.mufac())
    faces = read_faces(request)
    assert len(faces.class_names) == 8
    for face, label in zip(faces.faces, faces.labels, strict=True):
        assert face.path.rpartition("_")[2][0] == "abcdefgh"[label]
    persons = person_numbers([face.person for face in faces.faces])
    assert persons is not None
    assert len(set(persons)) == 48
    splits = split_faces(faces, persons, request)
    check_splits(splits, persons)
    assert [len(splits[name]) for name in ("val", "test")] == [48, 48]
    assert 8 <= len(splits["forget"]) <= 16
    assert {faces.faces[row].path.split("/")[1] for row in splits["forget"]} == {"train_images"}


def _table(part: str, text: str) -> dict[str, bytes]:
    return {**recipe_data.mufac(), f"set/custom_{part}_dataset.csv": text.encode()}


HEAD = "family_id,person_id,age_class,image_path\n"
PICTURE = "F0800_AGE_P0_20_a0.jpg"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"a.jpg": b""},
            "neither Age_Gender.txt nor retain.csv, forget.csv, validation.csv, test.csv nor "
            "custom_train_dataset.csv, custom_val_dataset.csv, custom_test_dataset.csv is among the files, and no "
            "picture is named as in UTKFace (AGE_GENDER_RACE_DATE.jpg)",
        ),
        ({"151_0_0_20170109142408075.jpg": b""}, "the age is 151, not an integer from 0 to 150"),
        (
            dict.fromkeys(("20_0_0_20170109142408075.jpg", "20_1_20170109142408075.jpg"), b""),
            "of one age group",
        ),
        (
            {"custom_train_dataset.csv": b""},
            "custom_val_dataset.csv is missing, but custom_train_dataset.csv is",
        ),
        (
            _table("val", "family,person\n"),
            "line 1: the column family_id is missing; its columns are family, per",
        ),
        (
            _table("val", HEAD + f"F0000,P0,z,{PICTURE}"),
            "line 2: the age_class is 'z', not a letter from a to h",
        ),
        (_table("val", HEAD + "F0000,P0,a,x.jpg"), "line 2: the image val_images/x.jpg is missing"),
        (
            _table("val", HEAD + f"F0,P0,a,{PICTURE}\nF0,P1,b,{PICTURE}"),
            "line 3: the image val_images/F0800_AGE",
        ),
        (_table("val", HEAD + "F0000;P0;a;x"), "line 2: it does not have as many columns as the header"),
    ],
)
def test_refusals(files: dict[str, bytes], words: str) -> None:
    """Table, line and column are named, or the picture."""
    assert words in _refusal(files)


def test_tables_and_pictures_are_sent() -> None:
    """The host sends MUFAC's tables, and no other table."""
    names = [*recipe_data.mufac(), "set/other.csv", "set/readme.txt"]
    assert select_files("faces", names) == sorted(recipe_data.mufac())
