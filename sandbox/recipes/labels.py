"""Labels in the forms that organizers have, as integers that count from 0, with the names of the classes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.recipes.api import RecipeError, Rows

MAX_NAMED_CLASSES: Final = 1_000
MAX_NAME_CHARACTERS: Final = 100
_TEXT_KINDS: Final = "US"
_NUMBER_KINDS: Final = "biuf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """An array of a file, and how many rows it must have."""

    file: str
    name: str
    values: NDArray[Any]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLabels:
    """Labels that count from 0."""

    labels: Rows
    least_classes: int = 0
    """Number of classes that have a column or a name, also where the last ones have no examples."""
    class_names: tuple[str, ...] = ()
    """By class; empty where the labels are numbers."""
    notes: tuple[str, ...] = ()
    """How other forms than integers were read."""


def integer_column(file: str, column: str, values: NDArray[Any], rows: int) -> Rows:
    """Return a column of integers, [n] or [n, 1], as [n].

    Raises:
        RecipeError: it has another form, or not one integer for each row.
    """
    values = _flat(values)
    if values.dtype.kind not in "iu" or values.ndim != 1:
        raise RecipeError(f"{file}: {column} is {describe(values)}, not a one-dimensional array of integers")
    if len(values) != rows:
        raise RecipeError(f"{file} has {rows} images, but {len(values)} rows of {column}")
    return values.astype(np.int64)


def text_column(file: str, column: str, values: NDArray[Any], rows: int) -> list[str]:
    """Return a column of text, [n] or [n, 1]; bytes are read as UTF-8.

    Raises:
        RecipeError: it is not text of one word for each row.
    """
    values = _flat(values)
    if values.dtype.kind not in _TEXT_KINDS or values.ndim != 1:
        raise RecipeError(f"{file}: {column} is {describe(values)}, not a one-dimensional array of text")
    if len(values) != rows:
        raise RecipeError(f"{file} has {rows} images, but {len(values)} rows of {column}")
    words: list[str] = []
    for row, value in enumerate(values.tolist()):
        try:
            words.append(value.decode() if isinstance(value, bytes) else value)
        except UnicodeDecodeError:
            raise RecipeError(f"{file}, row {row}: the {column} {value[:40]!r} is not UTF-8") from None
    return words


def class_labels(columns: Sequence[Column]) -> ClassLabels:
    """Return the class of each row of all columns, one column after the other.

    Accepted are integers [n] or [n, 1], booleans and text of that shape, and one-hot rows [n, classes]; all
    columns have the same form. The classes of text are its words in alphabetical order, or the numbers
    that it spells.

    Raises:
        RecipeError: the labels have another form, or not one label for each row.
    """
    first = columns[0]
    for column in columns[1:]:
        if _form(column.values) != _form(first.values):
            raise RecipeError(
                f"{column.file}: {column.name} is {describe(column.values)}, but {first.name} is "
                f"{describe(first.values)}; both must have the same form"
            )
    if _form(first.values) == "text":
        return _named(columns)
    if _form(first.values) == "one-hot":
        return _one_hot(columns)
    if first.values.dtype.kind == "b":
        return ClassLabels(
            labels=np.concatenate([_integers(column, column.values.astype(np.int64)) for column in columns]),
            notes=(f"{first.name} is boolean: false is class 0, true is class 1",),
        )
    return ClassLabels(labels=np.concatenate([_integers(column, column.values) for column in columns]))


def check_class_names(file: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of classes, requiring that they can be displayed and are distinct.

    Raises:
        RecipeError: a name is empty, too long, occurs twice or has hidden characters, or there are too many.
    """
    if len(names) > MAX_NAMED_CLASSES:
        raise RecipeError(
            f"{file}: {len(names)} classes have names, {MAX_NAMED_CLASSES} may; number the classes from 0"
        )
    for name in names:
        hidden = any(unicodedata.category(character)[0] in "CZ" and character != " " for character in name)
        if not name.strip() or hidden or len(name) > MAX_NAME_CHARACTERS:
            raise RecipeError(
                f"{file}: {name[:40]!r} cannot be the name of a class: it must have 1 to "
                f"{MAX_NAME_CHARACTERS} visible characters"
            )
    if len(set(names)) != len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise RecipeError(f"{file}: two classes have the name {name!r}")
    return tuple(names)


def describe(value: object) -> str:
    """Return the type of a value, and the shape of an array."""
    if isinstance(value, np.ndarray):
        kind = "text" if value.dtype.kind in _TEXT_KINDS else str(value.dtype)
        return f"an array {list(value.shape)} of {kind}" + (f" ({value.dtype})" if kind == "text" else "")
    length = f" of {len(value)}" if isinstance(value, list | tuple | dict) else ""
    return f"a {type(value).__name__}{length}"


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _form(values: NDArray[Any]) -> str:
    kind = values.dtype.kind
    if values.ndim == 2 and values.shape[1] > 1 and kind in _NUMBER_KINDS:
        return "one-hot"
    return "text" if kind in _TEXT_KINDS else "boolean" if kind == "b" else "number"


def _integers(column: Column, values: NDArray[Any]) -> Rows:
    return integer_column(column.file, column.name, values, column.rows)


def _one_hot(columns: Sequence[Column]) -> ClassLabels:
    first = columns[0]
    labels = []
    for column in columns:
        values = column.values
        if values.shape[1] != first.values.shape[1]:
            raise RecipeError(
                f"{column.file}: {column.name} is {describe(values)}, but {first.name} is "
                f"{describe(first.values)}"
            )
        wrong = np.flatnonzero(((values != 0) & (values != 1)).any(axis=1) | (values.sum(axis=1) != 1))
        if len(wrong):
            raise RecipeError(
                f"{column.file}, row {wrong[0]}: {column.name} is {describe(values)}, but this row is not "
                "one-hot: a single 1 among zeros; an example has one class"
            )
        labels.append(_integers(column, values.argmax(axis=1)))
    classes = first.values.shape[1]
    return ClassLabels(
        labels=np.concatenate(labels),
        least_classes=classes,
        notes=(f"{first.name} is one-hot: its columns 0 to {classes - 1} are the classes",),
    )


def _named(columns: Sequence[Column]) -> ClassLabels:
    words = [
        word
        for column in columns
        for word in text_column(column.file, column.name, column.values, column.rows)
    ]
    first = columns[0]
    distinct = sorted(set(words))
    if all(word.isascii() and word.isdigit() and len(word) < 10 for word in distinct):
        return ClassLabels(
            labels=np.array([int(word) for word in words], np.int64),
            notes=(f"{first.name} is text: its numbers are the classes",),
        )
    names = check_class_names(f"{first.file}, {first.name}", distinct)
    numbers = {name: number for number, name in enumerate(names)}
    return ClassLabels(
        labels=np.array([numbers[word] for word in words], np.int64),
        least_classes=len(names),
        class_names=names,
        notes=(f"{first.name} is text: its words in alphabetical order are the classes",),
    )
