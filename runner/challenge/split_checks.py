"""Checks of a challenge's splits, by themselves and against each other. Arrays in, sentences out.

A split has the columns of `sandbox.networks.datasets`: ``image`` float32 [n, c, h, w] and ``label`` int64
[n]; also ``age``, ``person_id`` and ``image_id``, int64 [n], where the data have them. Splits that would make
a score meaningless are refused. Duplicate images cause a warning only: real data have duplicates.
Rows are counted from 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.sanitize import sanitize_line
from runner.wording import quantity
from sandbox.protocol.splits import may_share

Integers = NDArray[np.int64]

_REQUIRED: Final = ("image", "label")
_IDENTITIES: Final = ("image_id", "person_id")
_KNOWN: Final = (*_REQUIRED, "age", *_IDENTITIES)
_BLOCK_BYTES: Final = 1 << 22
"""Size of the blocks in which images are read: a block stays in the processor's cache."""
_ROW_HASH_BYTES: Final = 16
_SHOWN_CLASSES: Final = 10


class BadSplitError(ValueError):
    """A split does not pass a check; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A tensor as it is stored in a file."""

    dtype: str
    """As safetensors names it."""
    shape: tuple[int, ...]
    data: memoryview | bytes
    """As long as dtype and shape require."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitDigest:
    """Data of a valid split that are compared with other splits."""

    split: str
    file: str
    columns: frozenset[str]
    image_shape: tuple[int, ...]
    """Channels, height and width."""
    labels: Integers
    identities: Mapping[str, Integers]
    """``image_id`` and ``person_id``, where the data have them."""
    row_hashes: Sequence[bytes]
    """A hash of each image's values."""


def check_split(
    columns: Mapping[str, Column], *, split: str, file: str, class_counts: Sequence[int]
) -> SplitDigest:
    """Check one split and return its data for comparison with other splits.

    Raises:
        BadSplitError: a column is missing, unknown or of the wrong type or shape, a label is not a class,
            the classes have other counts than ``class_counts``, or an image is not finite.
    """
    for name in _REQUIRED:
        if name not in columns:
            raise BadSplitError(f"it has no column {name}")
    for name in columns:
        if name not in _KNOWN:
            raise BadSplitError(f"it has an unknown column: {sanitize_line(name, 60)}")
    image = columns["image"]
    if image.dtype != "F32" or len(image.shape) != 4 or 0 in image.shape:
        raise BadSplitError(f"image is {_type_text(image)}, not F32 [examples, channels, height, width]")
    examples = image.shape[0]
    for name, column in columns.items():
        if name != "image" and (column.dtype, column.shape) != ("I64", (examples,)):
            raise BadSplitError(f"{name} is {_type_text(column)}, not I64 [{examples}]")
    values = {name: np.frombuffer(columns[name].data, "<i8") for name in columns if name != "image"}
    _check_labels(values["label"], class_counts)
    return SplitDigest(
        split=split,
        file=file,
        columns=frozenset(columns),
        image_shape=image.shape[1:],
        labels=values["label"].astype(np.int64),
        identities={name: values[name].astype(np.int64) for name in _IDENTITIES if name in values},
        row_hashes=list(_row_hashes(image)),
    )


def check_splits(digests: Sequence[SplitDigest], *, shared_persons: bool = False) -> None:
    """Require that all splits have the same columns, and share no example and no person.

    Args:
        digests: Of all splits.
        shared_persons: Whether the organizer allows persons in several splits; retain and forget must not
            share any even then.

    Raises:
        BadSplitError: names the files and rows.
    """
    for left, right in combinations(digests, 2):
        if left.image_shape != right.image_shape:
            shapes = f"{list(left.image_shape)} in {left.file} and {list(right.image_shape)} in {right.file}"
            raise BadSplitError(f"images are {shapes}")
        for name in sorted(left.columns ^ right.columns):
            present, lacking = (left, right) if name in left.columns else (right, left)
            raise BadSplitError(f"{present.file} has a column {name}, {lacking.file} has not")
        for name, values in left.identities.items():
            if name == "person_id" and shared_persons and may_share(left.split, right.split):
                continue
            shared = np.intersect1d(values, right.identities[name])
            if len(shared):
                rows = [
                    int(np.flatnonzero(digest.identities[name] == shared[0])[0]) for digest in (left, right)
                ]
                raise BadSplitError(
                    f"{name} {shared[0]} is in {left.file}, row {rows[0]}, and in {right.file}, row {rows[1]}"
                )


def duplicate_warnings(digests: Sequence[SplitDigest]) -> Iterator[str]:
    """Yield a sentence for forget images that are also in retain, and for test images in either."""
    by_split = {digest.split: digest for digest in digests}
    for name, trained in (("forget", ("retain",)), ("test", ("retain", "forget"))):
        if name not in by_split:
            continue
        split = by_split[name]
        first_places = {  # reversed, so that the first of several equal images remains
            row_hash: f"{by_split[source].file}, row {row}"
            for source in reversed(trained)
            for row, row_hash in reversed(list(enumerate(by_split[source].row_hashes)))
        }
        rows = [row for row, row_hash in enumerate(split.row_hashes) if row_hash in first_places]
        if rows:
            yield (
                f"{len(rows)} of {len(split.row_hashes)} {name} images are also in {' or '.join(trained)} "
                f"(the first: {split.file}, row {rows[0]}, is {first_places[split.row_hashes[rows[0]]]})"
            )


def shared_person_warnings(digests: Sequence[SplitDigest]) -> Iterator[str]:
    """Yield a sentence for each split that contains persons of the forget split."""
    persons = {digest.split: digest.identities.get("person_id") for digest in digests}
    forgotten = persons.get("forget")
    for split in ("val", "test"):
        present = persons.get(split)
        if forgotten is None or present is None:
            continue
        shared = np.intersect1d(forgotten, present)
        if len(shared):
            yield f"{len(shared)} of {len(np.unique(forgotten))} persons to be forgotten are also in {split}"


def empty_class_warnings(class_counts: Iterable[Sequence[int]]) -> Iterator[str]:
    """Yield a sentence about the classes that have no examples in any split."""
    totals = [sum(counts) for counts in zip(*class_counts, strict=True)]
    empty = [str(label) for label, total in enumerate(totals) if not total]
    if not empty:
        return
    shown = empty[:_SHOWN_CLASSES]
    if len(empty) > len(shown):
        shown[-1] = f"{len(empty) - len(shown) + 1} more"
    text = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    yield f"class {text} has no examples" if len(empty) == 1 else f"classes {text} have no examples"


def _check_labels(labels: Integers, class_counts: Sequence[int]) -> None:
    classes = len(class_counts)
    invalid = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(invalid):
        row = int(invalid[0])
        raise BadSplitError(f"row {row} has the label {labels[row]}, but there are only {classes} classes")
    counts = np.bincount(labels, minlength=classes)
    for label, (count, expected) in enumerate(zip(counts, class_counts, strict=True)):
        if count != expected:
            raise BadSplitError(
                f"it has {quantity(count, 'example')} of class {label}, but class_counts states {expected}"
            )


def _row_hashes(image: Column) -> Iterator[bytes]:
    """Yield the hash of each image, requiring that its values are finite."""
    rows = np.frombuffer(image.data, "<f4").reshape(image.shape[0], -1)
    step = max(1, _BLOCK_BYTES // rows[:1].nbytes)
    for begin in range(0, len(rows), step):
        block = rows[begin : begin + step]
        finite = np.isfinite(block)
        if not finite.all():
            row = begin + int(np.flatnonzero(~finite.all(axis=1))[0])
            raise BadSplitError(f"row {row} has an image with values that are not finite")
        for row_of_block in block:
            yield hashlib.sha256(row_of_block).digest()[:_ROW_HASH_BYTES]


def _type_text(column: Column) -> str:
    return f"{column.dtype} {list(column.shape)}"
