"""Recipe ``arrays``: arrays of images and labels in ``.npz`` or ``.safetensors`` files.

``image``  bytes or floats, [n, h, w], [n, channels, h, w] or [n, h, w, channels] with one channel or three
``label``  integers that count from 0, booleans or text, [n] or [n, 1]; or one-hot rows, [n, classes]
``split``  optional: 0 retain, 1 forget, 2 val, 3 test, or these names; without it, the seed decides
``person`` optional integers or text: no person is in two splits

`sandbox.recipes.array_layouts` lists the names of published data sets that are read as well. Bytes become
numbers from 0 to 1; floats keep their values. Rows are counted from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.presets import Preset
from sandbox.protocol.splits import SPLITS
from sandbox.recipes.api import Draft, Images, RecipeError, Request, Rows, Splits
from sandbox.recipes.array_layouts import HELD_OUT, TEST, TRAIN, VAL, NamedArray, read_arrays
from sandbox.recipes.labels import Column, class_labels, describe, integer_column, text_column
from sandbox.recipes.splits import (
    check_labels,
    limit_rows,
    random_state,
    split_by_label,
    split_by_person,
    split_train,
)

PRESET: Final = Preset(epochs=10, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
_CHANNELS: Final = (1, 3)
_SPLIT_NAMES: Final = {**{name: name for name in SPLITS}, "validation": "val", "valid": "val", TRAIN: TRAIN}
"""The words of a column ``split``, in lower case; the seed divides ``train`` into retain and forget."""


def recipe(request: Request) -> Draft:
    """Return the examples of the files, split by a column, by the parts of the files, or by the seed."""
    data = read_arrays(request.files)
    images, notes = _images(list(data.images.values()))
    read_labels = class_labels(
        [
            Column(file=array.file, name=array.name, values=array.values, rows=len(data.images[part].values))
            for part, array in data.labels.items()
        ]
    )
    labels, places = read_labels.labels, _places(list(data.labels.values()))
    check_labels(places, labels)
    person = data.own.get("person")
    persons = None if person is None else _persons(person, len(images))
    sizes = {part: len(array.values) for part, array in data.images.items()}
    return Draft(
        architecture=f"convnet-{images.shape[1]}",
        classes=max(int(labels.max()) + 1, read_labels.least_classes),
        class_names=read_labels.class_names,
        preset=PRESET,
        images=images,
        labels=labels,
        splits=_splits(_parts(sizes, data.own.get("split")), labels, persons, request),
        extra={} if persons is None else {"person_id": persons},
        notes=(*notes, *read_labels.notes),
    )


def _persons(column: NamedArray, rows: int) -> Rows:
    if column.values.dtype.kind in "US":
        words = text_column(column.file, "person", column.values, rows)
        return np.unique(words, return_inverse=True)[1].astype(np.int64)
    return integer_column(column.file, "person", column.values, rows)


def _places(arrays: Sequence[NamedArray]) -> str:
    """Return where labels are, for the message about one of them; rows count through all arrays."""
    if len({array.file for array in arrays}) == len(arrays):
        return ", ".join(array.file for array in arrays)
    return f"{arrays[0].file}: {', '.join(array.name for array in arrays)}"


def _parts(sizes: Mapping[str, int], split: NamedArray | None) -> dict[str, Rows]:
    """Return the rows of each part: a split, ``train``, what is held out, or everything."""
    examples = sum(sizes.values())
    if split is None:
        ends = np.cumsum(list(sizes.values()))
        return {part: np.arange(end - sizes[part], end) for part, end in zip(sizes, ends, strict=True)}
    if split.values.dtype.kind in "US":
        words = text_column(split.file, "split", split.values, examples)
        for row, word in enumerate(words):
            if word.lower() not in _SPLIT_NAMES:
                raise RecipeError(
                    f"{split.file}, row {row}: the split {word[:40]!r} is not retain, forget, val, test "
                    "or train"
                )
        names = np.array([_SPLIT_NAMES[word.lower()] for word in words])
        if TRAIN in names and {"retain", "forget"} & set(names):
            raise RecipeError(f"{split.file}: split has train beside retain or forget, which are parts of it")
        return {name: np.flatnonzero(names == name) for name in (*SPLITS, TRAIN) if name in (*names, *SPLITS)}
    numbers = integer_column(split.file, "split", split.values, examples)
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(SPLITS)))
    if len(wrong):
        raise RecipeError(f"{split.file}, row {wrong[0]}: split {numbers[wrong[0]]} is not between 0 and 3")
    return {name: np.flatnonzero(numbers == number) for number, name in enumerate(SPLITS)}


def _splits(parts: Mapping[str, Rows], labels: Rows, persons: Rows | None, request: Request) -> Splits:
    state = random_state(request.seed)
    if "retain" in parts and TRAIN not in parts:
        if request.max_examples is not None:
            raise RecipeError("the data assign each example to a split, so their number cannot be limited")
        return parts
    rows = limit_rows(np.arange(len(labels)), labels, request.max_examples, state)
    limited = {part: np.intersect1d(members, rows) for part, members in parts.items()}
    if TRAIN in parts and HELD_OUT not in parts:
        forget_fraction = request.forget_fraction
        divided = split_train(limited[TRAIN], labels, persons, forget_fraction=forget_fraction, state=state)
        return {**divided, "val": limited[VAL], "test": limited[TEST]}
    if persons is not None:
        return split_by_person(
            rows,
            persons,
            forget_fraction=request.forget_fraction,
            state=state,
            shared=request.shared_persons,
        )
    return split_by_label(
        limited.get(TRAIN, rows),
        labels,
        forget_fraction=request.forget_fraction,
        state=state,
        held_out=limited.get(HELD_OUT),
    )


def _images(arrays: Sequence[NamedArray]) -> tuple[Images, tuple[str, ...]]:
    """Return the images of all arrays, one after the other, and how they were read."""
    first = arrays[0]
    images = [_channels_first(array) for array in arrays]
    for array, values in zip(arrays, images, strict=True):
        if values.shape[1:] != images[0].shape[1:] or values.dtype != images[0].dtype:
            raise RecipeError(
                f"{array.file}: {array.name} is {describe(array.values)}, but {first.name} of {first.file} "
                f"is {describe(first.values)}; images must have the same size and type"
            )
        finite = values.dtype == np.uint8 or np.isfinite(values).all(axis=(1, 2, 3))
        wrong = np.flatnonzero(~np.asarray(finite))
        if len(wrong):
            raise RecipeError(f"{array.file}, row {wrong[0]}: the image contains a number that is not finite")
    moved = images[0].shape != first.values.shape and first.values.ndim == 4
    note = f"{first.name} is {describe(first.values)}: its last axis is read as the channels"
    together = (
        images[0] if len(images) == 1 else np.concatenate(images)
    )  # which would copy a single array too
    return together, (note,) if moved else ()


def _channels_first(array: NamedArray) -> Images:
    values: NDArray[Any] = array.values
    place = f"{array.file}: {array.name}"
    if values.ndim == 3:
        values = values[:, np.newaxis]
    elif values.ndim == 4 and values.shape[1] not in _CHANNELS and values.shape[3] in _CHANNELS:
        values = values.transpose(0, 3, 1, 2)
    if values.ndim != 4 or values.shape[1] not in _CHANNELS:
        shape = "x".join(map(str, array.values.shape))
        raise RecipeError(
            f"{place} has shape {shape}; it must be n x h x w, n x channels x h x w or n x h x w x channels, "
            "with 1 or 3 channels"
        )
    if values.dtype != np.uint8 and values.dtype.kind != "f":
        raise RecipeError(f"{place} is {describe(array.values)}; it must be bytes (uint8) or floats")
    return np.ascontiguousarray(values if values.dtype == np.uint8 else values.astype(np.float32))
