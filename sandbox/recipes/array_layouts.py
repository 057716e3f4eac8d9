"""The layouts of array files that the recipe ``arrays`` reads, by the names of published data sets.

==========================================================  ============================================
one file with ``image``, ``label``, ``split``, ``person``   an organizer's own; the last two are optional
one file with ``train_images``, ``train_labels``, ``val_``  MedMNIST
one file with ``x_train``, ``y_train``, ``x_test``          Keras
``-train-imgs.npz``, ``-train-labels.npz``, ``-test-``      Kuzushiji: one array in each file
==========================================================  ============================================
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import load as load_safetensors

from sandbox.recipes.api import RecipeError
from sandbox.recipes.labels import describe

Arrays = Mapping[str, NDArray[Any]]

TRAIN, VAL, TEST, HELD_OUT, ALL = "train", "val", "test", "held out", "all"
"""Parts of a data set: those held out become val and test, `ALL` is split by the recipe."""

_OWN: Final = {ALL: ("image", "label")}
_OPTIONAL: Final = ("split", "person")
_LAYOUTS: Final[tuple[Mapping[str, tuple[str, str]], ...]] = (
    _OWN,
    {part: (f"{part}_images", f"{part}_labels") for part in (TRAIN, VAL, TEST)},
    {TRAIN: ("x_train", "y_train"), VAL: ("x_val", "y_val"), TEST: ("x_test", "y_test")},
    {TRAIN: ("x_train", "y_train"), HELD_OUT: ("x_test", "y_test")},
    {TRAIN: ("train_images", "train_labels"), HELD_OUT: ("test_images", "test_labels")},
)
"""The names of images and labels, by part."""
_EXPECTED: Final = (
    "the columns are image and label, optionally with split and person; or train_images, train_labels, "
    "val_images and so on; or x_train, y_train, x_test, y_test"
)
_SINGLE: Final = re.compile(
    r"(?P<set>.*?)[-_.]?(?P<part>train|val|test)[-_](?P<kind>imgs|images|labels)\.npz", re.IGNORECASE
)
"""Kuzushiji's files, of one array each."""
_ENDINGS: Final = (".npz", ".safetensors")
_MAX_LISTED: Final = 6
_NUMPY_HAS: Final = frozenset(
    {*("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")}
)
"""The types of safetensors that NumPy has too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedArray:
    """An array, and where it is."""

    file: str
    name: str
    values: NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayData:
    """Images and labels of each part, and an organizer's own columns."""

    images: Mapping[str, NamedArray]
    labels: Mapping[str, NamedArray]
    own: Mapping[str, NamedArray] = field(default_factory=dict)
    """``split`` and ``person``, if there are any."""


def read_arrays(files: Mapping[str, bytes]) -> ArrayData:
    """Return the arrays of the files.

    Raises:
        RecipeError: a file is damaged or holds objects, or the names are those of no layout.
    """
    candidates = [name for name in sorted(files) if name.lower().endswith(_ENDINGS)]
    singles = {name: match for name in candidates if (match := _SINGLE.fullmatch(name.rpartition("/")[2]))}
    if singles and len(singles) == len(candidates):
        return _from_single_arrays(singles, files)
    if len(candidates) != 1:
        listed = f": {', '.join(candidates[:_MAX_LISTED])}" if candidates else ""
        raise RecipeError(
            f"exactly one .npz or .safetensors file is required, not {len(candidates)}{listed}; or "
            "train-imgs.npz, train-labels.npz, test-imgs.npz and test-labels.npz"
        )
    (file,) = candidates
    arrays = load_arrays(file, files[file])
    for layout in _LAYOUTS:
        names = [name for pair in layout.values() for name in pair]
        if not set(names) <= arrays.keys():
            continue
        optional = _OPTIONAL if layout is _OWN else ()
        unknown = sorted(arrays.keys() - {*names, *optional})
        if unknown:
            raise RecipeError(f"{file} has an unknown column {unknown[0]!r}; {_EXPECTED}")
        named = {name: NamedArray(file=file, name=name, values=arrays[name]) for name in arrays}
        return ArrayData(
            images={part: named[images] for part, (images, _labels) in layout.items()},
            labels={part: named[labels] for part, (_images, labels) in layout.items()},
            own={name: named[name] for name in optional if name in named},
        )
    raise RecipeError(f"{file} has no column {_missing(arrays)!r}: it has {_listed(arrays)}; {_EXPECTED}")


def _missing(arrays: Arrays) -> str:
    """Return a name that is missing in the layout of which the least is missing."""
    layouts = [[name for pair in layout.values() for name in pair] for layout in _LAYOUTS]
    closest = min(layouts, key=lambda names: len(set(names) - arrays.keys()) / len(names))
    return next(name for name in closest if name not in arrays)


def _listed(arrays: Arrays) -> str:
    some = [f"{name} ({describe(arrays[name])})" for name in sorted(arrays)[:_MAX_LISTED]]
    rest = len(arrays) - len(some)
    return ", ".join(some) + (f" and {rest} more" if rest else "") if some else "none"


def _from_single_arrays(singles: Mapping[str, re.Match[str]], files: Mapping[str, bytes]) -> ArrayData:
    chosen: dict[tuple[str, str], NamedArray] = {}
    for file, match in singles.items():
        part = match["part"].lower()
        kind = "labels" if match["kind"].lower() == "labels" else "images"
        if (part, kind) in chosen:
            raise RecipeError(
                f"{chosen[part, kind].file} and {file} are both {kind} of {part}; leave one of them"
            )
        arrays = load_arrays(file, files[file])
        if len(arrays) != 1:
            raise RecipeError(f"{file} must hold one array, not {_listed(arrays)}")
        ((name, values),) = arrays.items()
        chosen[part, kind] = NamedArray(file=file, name=name, values=values)
    parts = sorted({part for part, _kind in chosen})
    for part in parts:
        for kind, other in (("images", "labels"), ("labels", "images")):
            if (part, kind) not in chosen:
                raise RecipeError(f"{chosen[part, other].file} has no partner with the {kind} of {part}")
    if TRAIN not in parts:
        raise RecipeError(f"{chosen[parts[0], 'images'].file} comes without the images of train")
    if VAL in parts and TEST not in parts:
        raise RecipeError(
            "the files have val, but no test; add the images and labels of test, or leave out those of val"
        )
    if VAL not in parts and TEST in parts:
        names = {TRAIN: TRAIN, TEST: HELD_OUT}
    elif parts == [TRAIN]:
        names = {TRAIN: ALL}
    else:
        names = {part: part for part in parts}
    return ArrayData(
        images={names[part]: chosen[part, "images"] for part in sorted(parts, key=[TRAIN, VAL, TEST].index)},
        labels={names[part]: chosen[part, "labels"] for part in sorted(parts, key=[TRAIN, VAL, TEST].index)},
    )


def load_arrays(file: str, data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` or ``.safetensors`` file by name; objects are never unpickled.

    Raises:
        RecipeError: the file is damaged, or an array has a type that is not read.
    """
    try:
        if file.lower().endswith(".safetensors"):
            return _load_safetensors(file, data)
        archive = np.load(io.BytesIO(data), allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise RecipeError(f"{file} is a single array without a name, not an .npz file")
        with archive:
            return {name: _load_array(file, archive, name) for name in archive.files}
    except RecipeError:
        raise
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


def _load_array(file: str, archive: np.lib.npyio.NpzFile, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = archive[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise RecipeError(
            f"{file}: {name} is an array of Python objects, which are not read; save it as numbers, "
            "or as text with .astype(str)"
        ) from error
    return array


def _load_safetensors(file: str, data: bytes) -> dict[str, NDArray[Any]]:
    for name, tensor in deserialize(data):  # type: ignore[no-untyped-call]  # of a library without stubs
        if tensor["dtype"] not in _NUMPY_HAS:
            raise RecipeError(
                f"{file}: {name} has the type {tensor['dtype']}, which is not read; save it as uint8, "
                "float32 or int64"
            )
    return dict(load_safetensors(data))
