"""Recipe ``faces``: images by person with age groups, in the layouts of the contest, of MUFAC and of UTKFace.

* The tables of `sandbox.recipes.face_tables`.
* ``Age_Gender.txt`` (one line per person: name, age and gender) and images in folders with the persons'
  names, at any depth. In the contest's own folders, which also contain depth and infrared pictures, only the
  colour pictures are read.
* Pictures with UTKFace's names, ``AGE_GENDER_RACE_DATE.jpg``, which do not say who is in them.

Ages in years are divided into ten groups of equal width; MUFAC has eight groups of its own. Without tables
the seed assigns persons to splits, so that a forgotten person is in no other split, or images if persons are
not known. The contest's own splits did share persons, except retain and forget: `Request.shared_persons`.
Images are 3x32x32 with pixels from 0 to 255, as in the contest's scored phase.

Source: ``surf.py`` of the evaluation code that the contest's organizers published in 2024.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.presets import Preset
from sandbox.protocol.recipe_files import AGES, MUFAC_TABLES, PICTURE_ENDINGS, TABLES, pictures
from sandbox.recipes.api import Draft, Images, RecipeError, Request, Rows, Splits
from sandbox.recipes.face_tables import (
    AGE_GROUPS,
    MAX_AGE,
    Face,
    Faces,
    contest_faces,
    mufac_faces,
    read_number,
    read_text,
)
from sandbox.recipes.pictures import decode_picture
from sandbox.recipes.splits import (
    limit_rows,
    random_state,
    split_by_label,
    split_by_person,
    split_train,
)

PRESET: Final = Preset(epochs=30, batch_size=64, learning_rate=0.002, momentum=0.9, weight_decay=5e-4)
"""A low rate: on pixels from 0 to 255, larger steps let the weights of the first layer grow
until the statistics of its batch normalisation exceed half precision, which entries return."""
_SIDE: Final = 32
_UTKFACE: Final = re.compile(r"(?P<age>\d{1,3})(_\d){1,2}_\d{8,20}\D*")
"""The names of UTKFace's pictures; some lack the race or have an odd ending."""


def recipe(request: Request) -> Draft:
    """Return the faces, split as the tables say, or by person, or by age group."""
    data = read_faces(request)
    faces = data.faces
    unread = len(set(pictures(request.files)) - {face.path for face in faces})
    persons = person_numbers([face.person for face in faces])
    ages = [face.age for face in faces if face.age is not None]
    return Draft(
        notes=(f"images {data.unread}, which were not read: {unread}",) if unread else (),
        architecture="resnet18",
        classes=len(data.class_names) or AGE_GROUPS,
        class_names=data.class_names,
        preset=PRESET,
        images=np.stack([decode_picture(face.path, request.files[face.path], _SIDE) for face in faces]),
        labels=data.labels,
        splits=split_faces(data, persons, request),
        extra={
            **({} if persons is None else {"person_id": persons}),
            **({"age": np.array(ages, np.int64)} if len(ages) == len(faces) else {}),
        },
        to_float=to_byte_range,
    )


def to_byte_range(images: Images) -> NDArray[np.float32]:
    """Return bytes as numbers from 0 to 255."""
    return images.astype(np.float32)


def read_faces(request: Request) -> Faces:
    """Return the faces of whichever layout the files have; no picture is decoded.

    Raises:
        RecipeError: it is none of them, or is damaged.
    """
    by_name = {path.rpartition("/")[2]: path for path in sorted(request.files, reverse=True)}
    tables = {split: by_name[name] for split, name in TABLES.items() if name in by_name}
    if tables:
        return contest_faces(tables, request)
    mufac = {part: by_name[name] for part, name in MUFAC_TABLES.items() if name in by_name}
    if mufac:
        return mufac_faces(mufac, request)
    if AGES in by_name:
        return _from_ages(by_name[AGES], request)
    ages = {
        path: int(match["age"])
        for path in pictures(request.files)
        if (match := _UTKFACE.fullmatch(path.rpartition("/")[2]))
    }
    if ages:
        return _from_names(ages)
    raise RecipeError(
        f"neither {AGES} nor {', '.join(TABLES.values())} nor {', '.join(MUFAC_TABLES.values())} is among "
        "the files, and no picture is named as in UTKFace (AGE_GENDER_RACE_DATE.jpg)"
    )


def split_faces(data: Faces, persons: Rows | None, request: Request) -> Splits:
    """Return the splits of the data, or as the seed assigns persons or images to them.

    Raises:
        RecipeError: there are too few persons, or too few examples of a class.
    """
    state = random_state(request.seed)
    if "retain" in data.splits:
        return data.splits
    rows = limit_rows(np.arange(len(data.labels)), data.labels, request.max_examples, state)
    fraction = request.forget_fraction
    if "train" in data.splits:
        parts = {name: np.intersect1d(members, rows) for name, members in data.splits.items()}
        divided = split_train(parts["train"], data.labels, persons, forget_fraction=fraction, state=state)
        return {**divided, "val": parts["val"], "test": parts["test"]}
    if persons is None:
        return split_by_label(rows, data.labels, forget_fraction=fraction, state=state)
    return split_by_person(
        rows, persons, forget_fraction=fraction, state=state, shared=request.shared_persons
    )


def _from_names(ages: dict[str, int]) -> Faces:
    """Return the faces of UTKFace: ages by path."""
    wrong = next((path for path, age in ages.items() if age > MAX_AGE), None)
    if wrong is not None:
        raise RecipeError(f"{wrong}: the age is {ages[wrong]}, not an integer from 0 to {MAX_AGE}")
    labels = age_groups(list(ages.values()), known=ages.values())
    if len(np.unique(labels)) < 2:
        raise RecipeError("the pictures are all of one age group")
    return Faces(
        faces=[Face(path=path, age=age) for path, age in ages.items()],
        labels=labels,
        unread="with other names than UTKFace's",
    )


def _from_ages(file: str, request: Request) -> Faces:
    ages = read_ages(file, request.files[file])
    faces = []
    for path in pictures(request.files):
        owners = [folder for folder in path.split("/")[:-1] if folder in ages]
        if len(owners) != 1:
            whose = "none of its folders is" if not owners else "more than one of its folders is"
            raise RecipeError(f"{path}: {whose} a person of {file}")
        faces.append(Face(path=path, person=owners[0], age=ages[owners[0]]))
    if not faces:
        raise RecipeError(f"no images ({', '.join(PICTURE_ENDINGS)}) come with {file}")
    return Faces(faces=faces, labels=age_groups([face.age or 0 for face in faces], known=ages.values()))


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
    for number, line in enumerate(read_text(file, data).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 3:
            raise RecipeError(f"{file}, line {number}: it is not a name, an age and a gender")
        if words[0] in ages:
            raise RecipeError(f"{file}, line {number}: {words[0]} appears twice")
        ages[words[0]] = read_number(words[1], f"{file}, line {number}", "age", MAX_AGE)
    return ages


def person_numbers(persons: Sequence[str | None]) -> Rows | None:
    """Return a number for each person, or None where persons are not known.

    It is the name if all names are numbers, else its index among the names.
    """
    names = [person for person in persons if person is not None]
    if len(names) < len(persons):
        return None
    if all(name.isascii() and name.isdigit() and len(name) < 18 for name in names):
        numbers = np.array([int(name) for name in names], np.int64)
        if len(np.unique(numbers)) == len(set(names)):
            return numbers
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
