"""Are a challenge's splits what a submission is promised? Arrays in, sentences out.

A split has the columns of `sandbox.networks.datasets`: ``image`` float32 [n, c, h, w] and ``label`` int64 [n];
where the data have them ``age``, ``person_id`` and ``image_id``, int64 [n]. What would make a score
meaningless is refused. The same image twice is worth knowing and no more: real data have duplicates.
Rows are counted from 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.sanitize import sanitize_line
from sandbox.protocol.splits import may_share

Integers = NDArray[np.int64]

_NEEDED: Final = ("image", "label")
_IDENTITIES: Final = ("image_id", "person_id")
_KNOWN: Final = (*_NEEDED, "age", *_IDENTITIES)
_BLOCK_BYTES: Final = 1 << 22
"""So much of the images is looked at at once: it stays in the processor's cache."""
_ROW_HASH_BYTES: Final = 16


class BadSplitError(ValueError):
    """A split is not what it has to be; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A tensor as it lies in a file."""

    dtype: str
    """As safetensors calls it."""
    shape: tuple[int, ...]
    data: memoryview | bytes
    """As long as type and shape say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitDigest:
    """What is kept of a split that was found sound, to be compared with the others."""

    split: str
    file: str
    columns: frozenset[str]
    image_shape: tuple[int, ...]
    """Channels, height and width."""
    labels: Integers
    identities: Mapping[str, Integers]
    """``image_id`` and ``person_id``, where they are there."""
    row_hashes: Sequence[bytes]
    """Of each image's values."""


def check_split(
    columns: Mapping[str, Column], *, split: str, file: str, class_counts: Sequence[int]
) -> SplitDigest:
    """Return what is to be compared with other splits.

    Raises:
        BadSplitError: a column is missing, unknown or of another kind, a label is no class, classes are
            not as many as was said, or an image is not finite.
    """
    for name in _NEEDED:
        if name not in columns:
            raise BadSplitError(f"it has no column {name}")
    for name in columns:
        if name not in _KNOWN:
            raise BadSplitError(f"it has a column that is not known: {sanitize_line(name, 60)}")
    image = columns["image"]
    if image.dtype != "F32" or len(image.shape) != 4 or 0 in image.shape:
        raise BadSplitError(f"image is {_kind(image)}, and not F32 [examples, channels, height, width]")
    examples = image.shape[0]
    for name, column in columns.items():
        if name != "image" and (column.dtype, column.shape) != ("I64", (examples,)):
            raise BadSplitError(f"{name} is {_kind(column)}, and not I64 [{examples}]")
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
    """Require that splits are of one form, and share no example and no person.

    Args:
        digests: Of all splits.
        shared_persons: Whether the organizer said that persons may be in several splits; retain and
            forget have none in common all the same.

    Raises:
        BadSplitError: they are not; file and row are named.
    """
    for one, other in combinations(digests, 2):
        if one.image_shape != other.image_shape:
            shapes = f"{list(one.image_shape)} in {one.file} and {list(other.image_shape)} in {other.file}"
            raise BadSplitError(f"images are {shapes}")
        for name in sorted(one.columns ^ other.columns):
            there, lacking = (one, other) if name in one.columns else (other, one)
            raise BadSplitError(f"{there.file} has a column {name}, and {lacking.file} has none")
        for name, values in one.identities.items():
            if name == "person_id" and shared_persons and may_share(one.split, other.split):
                continue
            theirs = other.identities[name]
            shared = np.intersect1d(values, theirs)
            if len(shared):
                first, second = (int(np.flatnonzero(found == shared[0])[0]) for found in (values, theirs))
                raise BadSplitError(
                    f"{name} {shared[0]} is in {one.file}, row {first}, and in {other.file}, row {second}"
                )


def duplicate_warnings(digests: Sequence[SplitDigest]) -> Iterator[str]:
    """Yield a sentence for forgotten images that were retained, and one for test images trained on."""
    by_split = {digest.split: digest for digest in digests}
    for split, others in (("forget", ("retain",)), ("test", ("retain", "forget"))):
        if split not in by_split:
            continue
        mine = by_split[split]
        places = {
            digest: f"{by_split[other].file}, row {row}"
            for other in reversed(others)
            for row, digest in reversed(list(enumerate(by_split[other].row_hashes)))
        }
        again = [row for row, digest in enumerate(mine.row_hashes) if digest in places]
        if again:
            yield (
                f"{len(again)} of {len(mine.row_hashes)} {split} images are also in {' or '.join(others)} "
                f"(the first: {mine.file}, row {again[0]}, is {places[mine.row_hashes[again[0]]]})"
            )


def shared_person_warnings(digests: Sequence[SplitDigest]) -> Iterator[str]:
    """Yield a sentence for each split that knows persons who are to be forgotten."""
    persons = {digest.split: digest.identities.get("person_id") for digest in digests}
    forgotten = persons.get("forget")
    for split in ("val", "test"):
        there = persons.get(split)
        if forgotten is None or there is None:
            continue
        known = np.intersect1d(forgotten, there)
        if len(known):
            yield f"{len(known)} of {len(np.unique(forgotten))} persons to be forgotten are also in {split}"


def _check_labels(labels: Integers, class_counts: Sequence[int]) -> None:
    classes = len(class_counts)
    strange = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(strange):
        row = int(strange[0])
        raise BadSplitError(f"row {row} has the label {labels[row]}, and there are {classes} classes")
    found = np.bincount(labels, minlength=classes)
    for label, (there, said) in enumerate(zip(found, class_counts, strict=True)):
        if there != said:
            raise BadSplitError(f"it holds {there} examples of class {label}, and class_counts says {said}")


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


def _kind(column: Column) -> str:
    return f"{column.dtype} {list(column.shape)}"
