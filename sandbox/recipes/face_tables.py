"""Tables of faces: the contest's four, and those of MUFAC.

* The contest's ``retain.csv``, ``forget.csv``, ``validation.csv`` and ``test.csv`` with ``image_id``,
  ``age_group``, ``age`` and ``person_id``, where image ``a-b`` is in ``images/a/b.png``.
* MUFAC's ``custom_train_dataset.csv``, ``custom_val_dataset.csv`` and ``custom_test_dataset.csv`` with
  ``family_id``, ``person_id``, ``age_class`` (a to h) and ``image_path``, a file in ``train_images/``,
  ``val_images/`` or ``test_images/``. A person is known by family and person.

Lines are counted from 1, the header.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sandbox.protocol.recipe_files import MUFAC_TABLES, TABLES
from sandbox.protocol.splits import may_share
from sandbox.recipes.api import RecipeError, Request, Rows, Splits

AGE_GROUPS: Final = 10
MAX_AGE: Final = 150
_COLUMNS: Final = ("image_id", "age_group", "age", "person_id")
_MUFAC_COLUMNS: Final = ("family_id", "person_id", "age_class", "image_path")
_MUFAC_CLASSES: Final = {
    "a": "0-6 years",
    "b": "7-12 years",
    "c": "13-19 years",
    "d": "20-30 years",
    "e": "31-45 years",
    "f": "46-55 years",
    "g": "56-66 years",
    "h": "67-80 years",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A picture of a person."""

    path: str
    person: str | None = None
    """None where the data do not say who it is."""
    age: int | None = None
    """In years; None where only the group is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """All faces of the data, their labels, and what the data say of splits."""

    faces: Sequence[Face]
    labels: Rows
    splits: Splits = field(default_factory=dict)
    """The four splits, or ``train``, ``val`` and ``test``, or nothing."""
    class_names: tuple[str, ...] = ()
    unread: str = "in no table"
    """Which pictures are not among the faces."""


def contest_faces(tables: Mapping[str, str], request: Request) -> Faces:
    """Return the faces of the contest's tables, which are files by split.

    Raises:
        RecipeError: a table or an image is missing, a row is malformed, or splits share an image or a person.
    """
    missing = [name for split, name in TABLES.items() if split not in tables]
    if missing:
        raise RecipeError(f"{missing[0]} is missing, but {next(iter(tables.values()))} is among the files")
    if request.max_examples is not None:
        raise RecipeError("the tables assign each example to a split, so their number cannot be limited")
    by_suffix = {"/".join(path.split("/")[-3:]): path for path in request.files}
    faces: list[Face] = []
    labels: list[int] = []
    splits: dict[str, Rows] = {}
    person_places: dict[str, dict[str, str]] = {}
    image_places: dict[str, str] = {}
    for split, file in tables.items():
        first = len(faces)
        for place, row in _table(file, request.files[file], _COLUMNS):
            image, person = row["image_id"], row["person_id"]
            if image in image_places:
                raise RecipeError(f"{place}: the image {image} is already in {image_places[image]}")
            image_places[image] = place
            for other, other_place in person_places.setdefault(person, {split: place}).items():
                if other != split and not (request.shared_persons and may_share(split, other)):
                    raise RecipeError(f"{place}: person {person} is also in {other_place}, in another split")
            person_places[person].setdefault(split, place)
            folder, _dash, name = image.partition("-")
            path = by_suffix.get(f"images/{folder}/{name}.png")
            if path is None:
                raise RecipeError(f"{place}: the image images/{folder}/{name}.png is missing")
            faces.append(Face(path=path, person=person, age=read_number(row["age"], place, "age", MAX_AGE)))
            labels.append(read_number(row["age_group"], place, "age_group", AGE_GROUPS - 1))
        splits[split] = np.arange(first, len(faces))
    if not faces:
        raise RecipeError("the tables are empty")
    return Faces(faces=faces, labels=np.array(labels, np.int64), splits=splits)


def mufac_faces(tables: Mapping[str, str], request: Request) -> Faces:
    """Return the faces of MUFAC's tables, which are files by part: ``train``, ``val`` and ``test``.

    Raises:
        RecipeError: a table or an image is missing, or a row is malformed.
    """
    missing = [name for part, name in MUFAC_TABLES.items() if part not in tables]
    if missing:
        raise RecipeError(f"{missing[0]} is missing, but {next(iter(tables.values()))} is among the files")
    by_suffix = {"/".join(path.split("/")[-2:]): path for path in request.files}
    numbers = {letter: number for number, letter in enumerate(_MUFAC_CLASSES)}
    faces: list[Face] = []
    labels: list[int] = []
    places: dict[str, str] = {}
    splits: dict[str, Rows] = {}
    for part in MUFAC_TABLES:
        first = len(faces)
        for place, row in _table(tables[part], request.files[tables[part]], _MUFAC_COLUMNS):
            name = f"{part}_images/{row['image_path'].rpartition('/')[2]}"
            if name in places:
                raise RecipeError(f"{place}: the image {name} is already in {places[name]}")
            if name not in by_suffix:
                raise RecipeError(f"{place}: the image {name} is missing")
            if row["age_class"] not in numbers:
                raise RecipeError(
                    f"{place}: the age_class is {row['age_class'][:20]!r}, not a letter from a to h"
                )
            places[name] = place
            faces.append(Face(path=by_suffix[name], person=f"{row['family_id']}_{row['person_id']}"))
            labels.append(numbers[row["age_class"]])
        splits[part] = np.arange(first, len(faces))
    if not faces:
        raise RecipeError("the tables are empty")
    return Faces(
        faces=faces,
        labels=np.array(labels, np.int64),
        splits=splits,
        class_names=tuple(_MUFAC_CLASSES.values()),
    )


def _table(file: str, data: bytes, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Return the rows, each with its file and line; lines are counted from 1, the header."""
    reader = csv.DictReader(io.StringIO(read_text(file, data), newline=""))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        present = ", ".join(reader.fieldnames or ())[:200] or "none"
        raise RecipeError(f"{file}, line 1: the column {missing[0]} is missing; its columns are {present}")
    rows = []
    try:
        for row in reader:
            place = f"{file}, line {reader.line_num}"
            if None in row or None in row.values():
                raise RecipeError(f"{place}: it does not have as many columns as the header")
            rows.append((place, row))
    except csv.Error as error:
        raise RecipeError(f"{file}, line {reader.line_num}: {error}") from error
    return rows


def read_text(file: str, data: bytes) -> str:
    """Return the text of a file; a byte order mark is passed over.

    Raises:
        RecipeError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecipeError(f"{file}, line {line}: it is not text (UTF-8)") from error


def read_number(word: str, place: str, column: str, maximum: int) -> int:
    """Return a number from 0 to a maximum.

    Raises:
        RecipeError: the word is no such number.
    """
    if not (word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= maximum):
        raise RecipeError(f"{place}: the {column} is {word[:20]!r}, not an integer from 0 to {maximum}")
    return int(word)
