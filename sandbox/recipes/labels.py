"""Labels in the forms that organizers have them, as integers that count from 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.recipes.api import RecipeError, Rows


def integer_column(file: str, column: str, values: NDArray[Any], rows: int) -> Rows:
    """Return a column of integers, [n] or [n, 1], as [n].

    Raises:
        RecipeError: it has another form, or not one integer for each row.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind not in "iu" or values.ndim != 1:
        raise RecipeError(f"{file}: {column} is {describe(values)}, not a one-dimensional array of integers")
    if len(values) != rows:
        raise RecipeError(f"{file} has {rows} images, but {len(values)} rows of {column}")
    return values.astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLabels:
    """Labels that count from 0."""

    labels: Rows
    least_classes: int = 0
    """Number of columns of one-hot labels, also where the last classes have no examples."""
    notes: tuple[str, ...] = ()
    """How other forms than integers were read."""


def class_labels(file: str, values: NDArray[Any], rows: int) -> ClassLabels:
    """Return the class of each row.

    Accepted are integers [n] or [n, 1], booleans of that shape, and one-hot rows [n, classes].

    Raises:
        RecipeError: the labels have another form, such as text, or not one label for each row.
    """
    if values.ndim == 2 and values.shape[1] > 1 and values.dtype.kind in "biuf":
        wrong = np.flatnonzero(((values != 0) & (values != 1)).any(axis=1) | (values.sum(axis=1) != 1))
        if len(wrong):
            raise RecipeError(
                f"{file}, row {wrong[0]}: label is {describe(values)}, but this row is not one-hot: a "
                "single 1 among zeros"
            )
        return ClassLabels(
            labels=integer_column(file, "label", values.argmax(axis=1), rows),
            least_classes=values.shape[1],
            notes=(f"label is one-hot: its columns 0 to {values.shape[1] - 1} are the classes",),
        )
    if values.dtype.kind == "b":
        return ClassLabels(
            labels=integer_column(file, "label", values.astype(np.int64), rows),
            notes=("label is boolean: false is class 0, true is class 1",),
        )
    if values.dtype.kind in "US":
        raise RecipeError(
            f"{file}: label is {describe(values)}; number the classes from 0, for example with "
            "numpy.unique(label, return_inverse=True)"
        )
    return ClassLabels(labels=integer_column(file, "label", values, rows))


def describe(value: object) -> str:
    """Return the type of a value, and the shape of an array."""
    if isinstance(value, np.ndarray):
        kind = "text" if value.dtype.kind in "US" else str(value.dtype)
        return f"an array {list(value.shape)} of {kind}" + (f" ({value.dtype})" if kind == "text" else "")
    length = f" of {len(value)}" if isinstance(value, list | tuple | dict) else ""
    return f"a {type(value).__name__}{length}"
