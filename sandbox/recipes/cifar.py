"""The batches of CIFAR-10 and CIFAR-100, of the Python or the binary version, as the recipes share them.

They are files in a folder, or in an archive as published. The training batches come in the order of their
numbers; the test batch is halved into val and test; without it, all examples are split. ``forget_idx.npy``,
the starting kit's file in the same folder, lists the training examples to forget; without it, they come
from a few classes. Class names are read from the file that comes with the batches.

The Python version is a pickle, of any protocol. It is read in the trainer container alone, from a trusted
organizer, and by `sandbox.recipes.plain_pickle`, which creates plain data only.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.presets import Preset
from sandbox.recipes.api import Draft, Images, RecipeError, Request, Rows
from sandbox.recipes.labels import check_class_names, describe
from sandbox.recipes.plain_pickle import load_plain
from sandbox.recipes.splits import check_labels, limit_rows, random_state, split_by_label
from sandbox.recipes.tar import expand_archives

PRESET: Final = Preset(epochs=30, batch_size=128, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
FORGET_INDICES: Final = "forget_idx.npy"
_SHAPE: Final = (3, 32, 32)
_PIXELS: Final = 3 * 32 * 32
_TEST: Final = ("test_batch", "test")

Batch = tuple[NDArray[np.uint8], Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class CifarForm:
    """What differs between the data sets."""

    classes: int
    batch_name: re.Pattern[str]
    """Of a batch's file, with the groups ``kind``, ``number`` (None without numbers) and ``binary``."""
    examples_of_names: str
    """For the message that no file has such a name."""
    labels: str
    """Entry of a pickled batch."""
    label_bytes: int
    """Bytes in front of the pixels of each row of the binary version."""
    label_byte: int
    """The one of them that is the label."""
    meta: str
    """File with the names of the classes in the Python version."""
    names: str
    """Entry of that file."""
    names_text: str
    """File with the same names, one a line, in the binary version."""
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    """Of the training examples, by channel."""

    def normalize(self, images: Images) -> NDArray[np.float32]:
        """Return bytes as numbers with mean 0 and standard deviation 1 over the data set in each channel."""
        mean, deviation = (
            np.array(values, np.float32).reshape(1, 3, 1, 1) for values in (self.mean, self.deviation)
        )
        normalized: NDArray[np.float32] = (images.astype(np.float32) / np.float32(255) - mean) / deviation
        return normalized

    def is_needed(self, name: str) -> bool:
        """Return whether the recipe reads a file of this name."""
        known = (FORGET_INDICES, self.meta, self.names_text)
        return name in known or self.batch_name.fullmatch(name) is not None


def cifar_draft(request: Request, form: CifarForm) -> Draft:
    """Return the images of the batches, split by the seed and by the forget file if there is one."""
    files = expand_archives(request.files, form.is_needed)
    train, test = _batches(files, form)
    images = np.concatenate([images for images, _labels in train + test]).reshape(-1, *_SHAPE)
    labels = np.concatenate([labels for _images, labels in train + test])
    train_examples = sum(len(labels) for _images, labels in train)
    return Draft(
        architecture="resnet18",
        classes=form.classes,
        class_names=_class_names(files, form),
        preset=PRESET,
        images=images,
        labels=labels,
        splits=_splits(labels, train_examples if test else None, files, request),
        to_float=form.normalize,
    )


def _class_names(files: Mapping[str, bytes], form: CifarForm) -> tuple[str, ...]:
    """Return the names in the file that comes with the batches; none if there is no such file."""
    by_name = {path.rpartition("/")[2]: path for path in sorted(files, reverse=True)}
    names: object
    if form.meta in by_name:
        place = by_name[form.meta]
        names = _entries(place, files[place]).get(form.names)
    elif form.names_text in by_name:
        place = by_name[form.names_text]
        names = files[place].decode("latin1").split()
    else:
        return ()
    if not isinstance(names, list) or len(names) != form.classes:
        raise RecipeError(f"{place}: {form.names} is {describe(names)}, not a list of {form.classes} names")
    words = [name.decode("latin1") if isinstance(name, bytes) else str(name) for name in names]
    return check_class_names(place, words)


def _splits(
    labels: Rows, train_examples: int | None, files: Mapping[str, bytes], request: Request
) -> dict[str, Rows]:
    state = random_state(request.seed)
    forget_files = [path for path in files if path.rpartition("/")[2] == FORGET_INDICES]
    rows = limit_rows(np.arange(len(labels)), labels, request.max_examples, state)
    splits = split_by_label(
        rows if train_examples is None else rows[rows < train_examples],
        labels,
        forget_fraction=request.forget_fraction,
        state=state,
        held_out=None if train_examples is None else rows[rows >= train_examples],
    )
    if not forget_files:
        return splits
    if train_examples is None or request.max_examples is not None:
        reason = (
            "the test batch is missing" if train_examples is None else "the number of examples is limited"
        )
        raise RecipeError(f"{forget_files[0]} refers to rows of all training examples, but {reason}")
    forget = read_indices(forget_files[0], files[forget_files[0]], train_examples)
    return {**splits, "forget": forget, "retain": np.setdiff1d(np.arange(train_examples), forget)}


def read_indices(file: str, data: bytes, examples: int) -> Rows:
    """Return the rows of the training examples to forget, in ascending order.

    Raises:
        RecipeError: it is not an array of such rows, or a row appears twice; rows are counted from 0.
    """
    try:
        indices = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise RecipeError(f"{file} cannot be read: {error}") from error
    if not isinstance(indices, np.ndarray) or indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise RecipeError(f"{file} is not a one-dimensional array of integers")
    wrong = np.flatnonzero((indices < 0) | (indices >= examples))
    if len(wrong):
        raise RecipeError(
            f"{file}, row {wrong[0]}: training example {indices[wrong[0]]} does not exist; "
            f"there are {examples}"
        )
    unique, first = np.unique(indices, return_index=True)
    if len(unique) != len(indices):
        row = int(np.setdiff1d(np.arange(len(indices)), first)[0])
        raise RecipeError(f"{file}, row {row}: {indices[row]} appears twice")
    return unique.astype(np.int64)


def _batches(files: Mapping[str, bytes], form: CifarForm) -> tuple[list[Batch], list[Batch]]:
    """Return the training batches in the order of their numbers, and the test batch if there is one."""
    chosen: dict[str, tuple[int, str, bool]] = {}
    for path in sorted(files):
        match = form.batch_name.fullmatch(path.rpartition("/")[2])
        if match is None:
            continue
        if match["kind"] in chosen:
            raise RecipeError(
                f"{chosen[match['kind']][1]} and {path} are the same batch; leave one of them in the folder"
            )
        chosen[match["kind"]] = (int(match["number"] or 0), path, match["binary"] is not None)
    train: list[Batch] = []
    test: list[Batch] = []
    for kind, (_number, path, binary) in sorted(chosen.items(), key=lambda item: item[1][0]):
        batch = (read_binary if binary else read_python)(path, files[path], form)
        check_labels(path, batch[1])
        if batch[1].max() >= form.classes:
            row = int(batch[1].argmax())
            raise RecipeError(f"{path}, row {row}: class {batch[1][row]} does not exist")
        (test if kind in _TEST else train).append(batch)
    if not train:
        raise RecipeError(f"no file has a name like {form.examples_of_names} or *.tar.gz")
    return train, test


def read_binary(file: str, data: bytes, form: CifarForm) -> Batch:
    """Return images and labels of a batch of the binary version: a row is a label or two, then pixels."""
    row_bytes = form.label_bytes + _PIXELS
    if not data or len(data) % row_bytes:
        raise RecipeError(f"{file} ends in row {len(data) // row_bytes}")
    records = np.frombuffer(data, np.uint8).reshape(-1, row_bytes)
    return records[:, form.label_bytes :], records[:, form.label_byte].astype(np.int64)


def read_python(file: str, data: bytes, form: CifarForm) -> Batch:
    """Return images and labels of a batch of the Python version, whichever Python wrote it."""
    columns = _entries(file, data)
    if not {"data", form.labels} <= columns.keys():
        others = f": it has {', '.join(sorted(columns)[:8])}" if columns else ""
        raise RecipeError(f"{file} is not a batch: it has no data and {form.labels}{others}")
    images = columns["data"]
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (_PIXELS,):
        raise RecipeError(f"{file}: its data is {describe(images)}, not rows of {_PIXELS} bytes")
    return images, _labels(file, columns[form.labels], len(images), form.classes)


def _entries(file: str, data: bytes) -> dict[str, object]:
    """Return the entries of a pickled dict by name: Python 2 wrote its names as bytes."""
    try:
        batch = load_plain(data)
    except Exception as error:  # a damaged pickle may raise any exception
        raise RecipeError(f"{file} cannot be read: {error}") from error
    if not isinstance(batch, dict):
        raise RecipeError(f"{file} is {describe(batch)}, not a dict")
    names = {key: key.decode("latin1") if isinstance(key, bytes) else key for key in batch}
    return {name: batch[key] for key, name in names.items() if isinstance(name, str)}


def _labels(file: str, labels: object, rows: int, classes: int) -> Rows:
    """Return the labels of a batch: a list of integers, or an array of them."""
    if isinstance(labels, np.ndarray) and labels.shape == (rows, 1):
        labels = labels[:, 0]
    if not isinstance(labels, list | np.ndarray) or np.ndim(labels) < 1 or len(labels) != rows:
        raise RecipeError(f"{file} does not have one label for each of its {rows} rows: {describe(labels)}")
    for row, label in enumerate(labels):
        is_number = isinstance(label, int | np.integer) and not isinstance(label, bool)
        if not is_number or not 0 <= label < classes:
            raise RecipeError(
                f"{file}, row {row}: the label is {str(label)[:20]!r}, not an integer from 0 to {classes - 1}"
            )
    return np.array(labels, np.int64)
