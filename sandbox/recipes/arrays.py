"""Recipe ``arrays``: an organizer's own arrays, in one ``.npz`` or ``.safetensors`` file.

``image``  bytes or floats, [n, h, w] or [n, channels, h, w] with one channel or three
``label``  integers that count from 0, [n] or [n, 1]; or booleans; or one-hot rows, [n, classes]
``split``  optional: 0 retain, 1 forget, 2 val, 3 test; without it, the seed decides
``person`` optional integers: no person is in two splits

Bytes become numbers from 0 to 1; floats keep their values. Rows are counted from 0.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from sandbox.protocol.presets import Preset
from sandbox.protocol.splits import SPLITS
from sandbox.recipes.api import Draft, Images, RecipeError, Request, Rows, Splits
from sandbox.recipes.labels import class_labels, integer_column
from sandbox.recipes.splits import check_labels, limit_rows, random_state, split_by_label, split_by_person

PRESET: Final = Preset(epochs=10, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
_KNOWN: Final = ("image", "label", "split", "person")

Columns = Mapping[str, NDArray[Any]]


def recipe(request: Request) -> Draft:
    """Return the examples of the file, split by its column ``split`` or by the seed."""
    file, columns = _read(request.files)
    images = _images(file, columns["image"])
    read_labels = class_labels(file, columns["label"], len(images))
    labels = read_labels.labels
    check_labels(file, labels)
    persons = integer_column(file, "person", columns["person"], len(images)) if "person" in columns else None
    return Draft(
        architecture=f"convnet-{images.shape[1]}",
        classes=max(int(labels.max()) + 1, read_labels.least_classes),
        preset=PRESET,
        images=images,
        labels=labels,
        splits=_splits(file, columns, labels, persons, request),
        extra={} if persons is None else {"person_id": persons},
        notes=read_labels.notes,
    )


def _splits(file: str, columns: Columns, labels: Rows, persons: Rows | None, request: Request) -> Splits:
    state = random_state(request.seed)
    if "split" in columns:
        if request.max_examples is not None:
            raise RecipeError(f"{file} assigns each example to a split, so their number cannot be limited")
        numbers = integer_column(file, "split", columns["split"], len(labels))
        wrong = np.flatnonzero((numbers < 0) | (numbers >= len(SPLITS)))
        if len(wrong):
            raise RecipeError(f"{file}, row {wrong[0]}: split {numbers[wrong[0]]} is not between 0 and 3")
        return {name: np.flatnonzero(numbers == number) for number, name in enumerate(SPLITS)}
    rows = limit_rows(np.arange(len(labels)), labels, request.max_examples, state)
    if persons is not None:
        return split_by_person(
            rows,
            persons,
            forget_fraction=request.forget_fraction,
            state=state,
            shared=request.shared_persons,
        )
    return split_by_label(rows, labels, forget_fraction=request.forget_fraction, state=state)


def _read(files: Mapping[str, bytes]) -> tuple[str, Columns]:
    candidates = [name for name in files if name.endswith((".npz", ".safetensors"))]
    if len(candidates) != 1:
        raise RecipeError(f"exactly one .npz or .safetensors file is required, not {len(candidates)}")
    (file,) = candidates
    try:
        columns = _unpack(file, files[file])
    except (
        ValueError,
        KeyError,
        OSError,
        EOFError,
        SafetensorError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise RecipeError(f"{file} cannot be read: {error}") from error
    missing = {"image", "label"} - columns.keys()
    unknown = sorted(columns.keys() - set(_KNOWN))
    if missing or unknown:
        problem = f"has no column {min(missing)!r}" if missing else f"has an unknown column {unknown[0]!r}"
        raise RecipeError(f"{file} {problem}; columns are image, label and, optionally, split and person")
    return file, columns


def _unpack(file: str, data: bytes) -> dict[str, NDArray[Any]]:
    if file.endswith(".safetensors"):
        return dict(load_safetensors(data))
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _images(file: str, images: NDArray[Any]) -> Images:
    if images.ndim == 3:
        images = images[:, np.newaxis]
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        shape = "x".join(map(str, images.shape))
        raise RecipeError(
            f"{file}: image has shape {shape}; it must be n x h x w or n x channels x h x w, "
            "with 1 or 3 channels"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise RecipeError(f"{file}: image has type {images.dtype}; it must be bytes (uint8) or floats")
    images = images.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))
    if len(wrong):
        raise RecipeError(f"{file}, row {wrong[0]}: the image contains a number that is not finite")
    return images
