"""Recipe ``faces``: images by person with age groups, in the contest's folder layout.

Two layouts are accepted:

* ``Age_Gender.txt`` (one line per person: name, age and gender) and images in folders with the persons'
  names, at any depth. The ages in that file are divided into ten groups of equal width, and the seed assigns
  persons to splits, so that a forgotten person is in no other split. In the contest's own folders, which
  also contain depth and infrared pictures, only the colour pictures are read.
* ``retain.csv``, ``forget.csv``, ``validation.csv`` and ``test.csv`` with ``image_id``, ``age_group``,
  ``age`` and ``person_id``, where image ``a-b`` is in ``images/a/b.png``. These must not share a person
  either.

The contest's own splits did share persons, except retain and forget: `Request.shared_persons`.
Images are 3x32x32 with pixels from 0 to 255, as in the contest's scored phase.

Source: ``surf.py`` of the evaluation code that the contest's organizers published in 2024.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.presets import Preset
from sandbox.protocol.recipe_files import AGES, PICTURE_ENDINGS, TABLES, pictures
from sandbox.protocol.splits import may_share
from sandbox.recipes.api import Draft, Images, RecipeError, Request, Rows, Splits
from sandbox.recipes.pictures import decode_picture
from sandbox.recipes.splits import limit_rows, random_state, split_by_person

AGE_GROUPS: Final = 10
PRESET: Final = Preset(epochs=30, batch_size=64, learning_rate=0.002, momentum=0.9, weight_decay=5e-4)
"""A low rate: on pixels from 0 to 255, larger steps let the weights of the first layer grow
until the statistics of its batch normalisation exceed half precision, which entries return."""
_SIDE: Final = 32
_MAX_AGE: Final = 150
_COLUMNS: Final = ("image_id", "age_group", "age", "person_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Face:
    path: str
    person: str
    age: int


def recipe(request: Request) -> Draft:
    """Return the faces, split by person."""
    by_name = {path.rpartition("/")[2]: path for path in sorted(request.files, reverse=True)}
    tables = {split: by_name[name] for split, name in TABLES.items() if name in by_name}
    if tables:
        faces, labels, splits = _from_tables(tables, request)
    elif AGES in by_name:
        faces, labels, splits = _from_ages(by_name[AGES], request)
    else:
        raise RecipeError(f"neither {AGES} nor {', '.join(TABLES.values())} is among the files")
    unread = len(set(pictures(request.files)) - {face.path for face in faces})
    return Draft(
        notes=(f"images in no table, which were not read: {unread}",) if unread else (),
        architecture="resnet18",
        classes=AGE_GROUPS,
        preset=PRESET,
        images=np.stack([decode_picture(face.path, request.files[face.path], _SIDE) for face in faces]),
        labels=labels,
        splits=splits,
        extra={
            "person_id": _numbers([face.person for face in faces]),
            "age": np.array([face.age for face in faces], np.int64),
        },
        to_float=to_byte_range,
    )


def to_byte_range(images: Images) -> NDArray[np.float32]:
    """Return bytes as numbers from 0 to 255."""
    return images.astype(np.float32)


def _from_ages(file: str, request: Request) -> tuple[list[_Face], Rows, Splits]:
    ages = read_ages(file, request.files[file])
    faces = []
    for path in pictures(request.files):
        owners = [folder for folder in path.split("/")[:-1] if folder in ages]
        if len(owners) != 1:
            whose = "none of its folders is" if not owners else "more than one of its folders is"
            raise RecipeError(f"{path}: {whose} a person of {file}")
        faces.append(_Face(path=path, person=owners[0], age=ages[owners[0]]))
    if not faces:
        raise RecipeError(f"no images ({', '.join(PICTURE_ENDINGS)}) come with {file}")
    labels = age_groups([face.age for face in faces], known=ages.values())
    persons = _numbers([face.person for face in faces])
    state = random_state(request.seed)
    rows = limit_rows(np.arange(len(faces)), labels, request.max_examples, state)
    splits = split_by_person(
        rows, persons, forget_fraction=request.forget_fraction, state=state, shared=request.shared_persons
    )
    return faces, labels, splits


def age_groups(ages: Sequence[int], *, known: Collection[int]) -> Rows:
    """Return the group of each age: ten groups of equal width, from the youngest to the oldest known age."""
    youngest, years = min(known), max(known) - min(known) + 1
    return (np.array(ages, np.int64) - youngest) * AGE_GROUPS // years


def read_ages(file: str, data: bytes) -> dict[str, int]:
    """Return each person's age; empty lines are skipped, lines are counted from 1.

    Raises:
        RecipeError: a line is not a name, an age and a gender, or a person appears twice.
    """
    ages: dict[str, int] = {}
    for number, line in enumerate(_text(file, data).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 3:
            raise RecipeError(f"{file}, line {number}: it is not a name, an age and a gender")
        if words[0] in ages:
            raise RecipeError(f"{file}, line {number}: {words[0]} appears twice")
        ages[words[0]] = _number(words[1], f"{file}, line {number}", "age", _MAX_AGE)
    return ages


def _from_tables(tables: Mapping[str, str], request: Request) -> tuple[list[_Face], Rows, Splits]:
    missing = [name for split, name in TABLES.items() if split not in tables]
    if missing:
        raise RecipeError(f"{missing[0]} is missing, but {next(iter(tables.values()))} is among the files")
    if request.max_examples is not None:
        raise RecipeError("the tables assign each example to a split, so their number cannot be limited")
    by_suffix = {"/".join(path.split("/")[-3:]): path for path in request.files}
    faces: list[_Face] = []
    labels: list[int] = []
    splits: dict[str, Rows] = {}
    person_places: dict[str, dict[str, str]] = {}
    image_places: dict[str, str] = {}
    for split, file in tables.items():
        first = len(faces)
        for place, row in _table(file, request.files[file]):
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
            faces.append(_Face(path=path, person=person, age=_number(row["age"], place, "age", _MAX_AGE)))
            labels.append(_number(row["age_group"], place, "age_group", AGE_GROUPS - 1))
        splits[split] = np.arange(first, len(faces))
    if not faces:
        raise RecipeError("the tables are empty")
    return faces, np.array(labels, np.int64), splits


def _table(file: str, data: bytes) -> list[tuple[str, dict[str, str]]]:
    """Return the rows, each with its file and line; lines are counted from 1, the header."""
    reader = csv.DictReader(io.StringIO(_text(file, data), newline=""))
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise RecipeError(f"{file}, line 1: the column {missing[0]} is missing")
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


def _text(file: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecipeError(f"{file}, line {line}: it is not text (UTF-8)") from error


def _number(word: str, place: str, column: str, maximum: int) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= maximum):
        raise RecipeError(f"{place}: the {column} is {word[:20]!r}, not an integer from 0 to {maximum}")
    return int(word)


def _numbers(persons: list[str]) -> Rows:
    """Return a number for each person: the name if all names are numbers, else its index among the names."""
    if all(name.isascii() and name.isdigit() and len(name) < 18 for name in persons):
        names = np.array([int(name) for name in persons], np.int64)
        if len(np.unique(names)) == len(set(persons)):
            return names
    return np.unique(persons, return_inverse=True)[1].astype(np.int64)
