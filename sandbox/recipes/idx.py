"""Recipe ``idx``: files in MNIST's format, gzipped or not, under their usual names or QMNIST's.

A pair of training files and a pair of held-out files (``t10k``, ``test``): the second pair is halved
into val and test. If there is only one pair, all of its images are split. The forget set
comes from a few classes. Pixels are numbers from 0 to 1. Labels are bytes, or, as in QMNIST, integers of 32
bits in several columns, of which the first is the class.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.presets import Preset
from sandbox.recipes.api import Draft, RecipeError, Request, Rows
from sandbox.recipes.splits import check_labels, limit_rows, random_state, split_by_label

PRESET: Final = Preset(epochs=5, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)

_NAME: Final = re.compile(
    r"(?P<set>.*?)(?P<kind>images|labels)[-._]idx[123]([-._](ubyte|int))?(?P<packed>\.gz)?", re.IGNORECASE
)
_HELD_OUT: Final = re.compile(r"t10k|test", re.IGNORECASE)
_TYPES: Final[Mapping[int, np.dtype[Any]]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
"""The types of the format, by the third byte of a file."""
_IMAGE_FORMS: Final = ((np.dtype(np.uint8), 3),)
_LABEL_FORMS: Final = ((np.dtype(np.uint8), 1), (np.dtype(">i4"), 1), (np.dtype(">i4"), 2))
"""Type and number of axes."""
_KINDS: Final = ("images", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    images: NDArray[np.uint8]
    labels: Rows
    images_file: str


def recipe(request: Request) -> Draft:
    """Return the images of the files, split by the seed."""
    pairs = _pairs(request.files)
    state = random_state(request.seed)
    sizes = {
        pair.images_file: "x".join(str(side) for side in pair.images.shape[1:]) for pair in pairs.values()
    }
    if len(set(sizes.values())) > 1:
        (first, side), (second, other) = sizes.items()
        raise RecipeError(
            f"{first} has images of {side}, but {second} of {other}; all must have the same size"
        )
    images = np.concatenate([pair.images for pair in pairs.values()])[:, np.newaxis]
    labels = np.concatenate([pair.labels for pair in pairs.values()])
    classes = int(labels.max()) + 1
    rows = limit_rows(np.arange(len(labels)), labels, request.max_examples, state)
    first_held_out = len(pairs["train"].labels) if len(pairs) == 2 else None
    splits = split_by_label(
        rows if first_held_out is None else rows[rows < first_held_out],
        labels,
        forget_fraction=request.forget_fraction,
        state=state,
        held_out=None if first_held_out is None else rows[rows >= first_held_out],
    )
    return Draft(
        architecture="convnet-1",
        classes=classes,
        preset=PRESET,
        images=images,
        labels=labels,
        splits=splits,
    )


def _pairs(files: Mapping[str, bytes]) -> dict[str, _Pair]:
    """Return the pairs among the files, ``train`` before ``held_out``."""
    chosen: dict[tuple[str, str], str] = {}
    for path in sorted(files):  # so a name comes before the same name with .gz
        match = _NAME.fullmatch(path.rpartition("/")[2])
        if match is None:
            continue
        part = "held_out" if _HELD_OUT.search(match["set"]) else "train"
        key = (part, match["kind"].lower())
        if key not in chosen:
            chosen[key] = path
        elif path != f"{chosen[key]}.gz":  # torchvision stores both; their content is the same
            raise RecipeError(f"{chosen[key]} and {path} are both {key[1]}; leave one of them in the folder")
    pairs = {}
    for part in ("train", "held_out"):
        kinds = [kind for kind in _KINDS if (part, kind) in chosen]
        if kinds:
            if len(kinds) == 1:
                other = next(kind for kind in _KINDS if kind not in kinds)
                raise RecipeError(f"{chosen[part, kinds[0]]} has no partner with the {other} beside it")
            pairs[part] = _pair(chosen[part, "images"], chosen[part, "labels"], files)
    if not pairs:
        raise RecipeError("no file has a name like train-images-idx3-ubyte or t10k-labels-idx1-ubyte.gz")
    return pairs


def _pair(images_file: str, labels_file: str, files: Mapping[str, bytes]) -> _Pair:
    images = read_idx(images_file, files[images_file], _IMAGE_FORMS)
    columns = read_idx(labels_file, files[labels_file], _LABEL_FORMS)
    labels = (columns[:, 0] if columns.ndim == 2 else columns).astype(np.int64)
    if len(images) != len(labels):
        raise RecipeError(
            f"{images_file} has {len(images)} images, but {labels_file} has {len(labels)} labels"
        )
    check_labels(labels_file, labels)
    return _Pair(images=images, labels=labels, images_file=images_file)


def read_idx(name: str, data: bytes, forms: Sequence[tuple[np.dtype[Any], int]]) -> NDArray[Any]:
    """Return the array of an idx file, gzipped or not, which has one of the types and numbers of axes.

    Raises:
        RecipeError: it is not an idx file, or is damaged; rows are counted from 0.
    """
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise RecipeError(f"{name} cannot be decompressed: {error}") from error
    dtype, axes = _form(name, data, forms)
    header_bytes = 4 * (1 + axes)
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", count=axes, offset=4))
    row_bytes = math.prod(shape[1:]) * dtype.itemsize
    body_bytes, expected_bytes = len(data) - header_bytes, shape[0] * row_bytes
    if not expected_bytes:
        raise RecipeError(f"{name} has no rows")
    if body_bytes < expected_bytes:
        raise RecipeError(
            f"{name} ends in row {body_bytes // row_bytes}; its header announces {shape[0]} rows"
        )
    if body_bytes > expected_bytes:
        raise RecipeError(
            f"{name} has {body_bytes - expected_bytes} bytes after its last row, {shape[0] - 1}"
        )
    return np.frombuffer(data, dtype, offset=header_bytes).reshape(shape)


def _form(name: str, data: bytes, forms: Sequence[tuple[np.dtype[Any], int]]) -> tuple[np.dtype[Any], int]:
    """Return the type and the number of axes that a file's header states."""
    if len(data) >= 4 and data[:2] == b"\0\0" and data[2] in _TYPES:
        form = (_TYPES[data[2]], data[3])
        if form in forms and len(data) >= 4 * (1 + form[1]):
            return form
        expected = " or ".join(f"idx{axes} of {dtype.name}" for dtype, axes in forms)
        raise RecipeError(f"{name} is an idx{form[1]} file of {form[0].name}; expected is {expected}")
    raise RecipeError(f"{name} does not have the header of an idx{forms[0][1]} file of unsigned bytes")
