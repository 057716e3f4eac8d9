"""Recipe ``cifar10``: the batches of CIFAR-10, of the Python or the binary version, loose or as published.

Loose they lie in a folder; as published they are in ``cifar-10-python.tar.gz`` or ``cifar-10-binary.tar.gz``.

``data_batch_*`` are the training examples, in the order of their numbers; ``test_batch`` is halved
into val and test, or all are split where it is missing. ``forget_idx.npy``, the starting kit's file
beside them, says which training examples are to be forgotten; without it they lie in a few classes.
Pixels are normalised by channel, as in the starting kit.

The Python version is a pickle. It is read in the trainer container alone, from an organizer whom we
trust, and by an unpickler that knows three names of NumPy's.
"""

from __future__ import annotations

import io
import pickle  # see above: nothing but NumPy's arrays can come of it
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.presets import Preset
from sandbox.recipes.api import Draft, Images, RecipeError, Request, Rows, Splits
from sandbox.recipes.splits import at_most, by_label, check_labels, random_state
from sandbox.recipes.tar import opened

CLASSES: Final = 10
PRESET: Final = Preset(epochs=30, batch_size=128, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
FORGET_INDICES: Final = "forget_idx.npy"
_NAME: Final = re.compile(r"(?P<kind>data_batch_(?P<number>\d{1,3})|test_batch)(?P<binary>\.bin)?")
_SHAPE: Final = (3, 32, 32)
_PIXELS: Final = 3 * 32 * 32
_MEAN: Final = np.array((0.4914, 0.4822, 0.4465), np.float32).reshape(1, 3, 1, 1)
_DEVIATION: Final = np.array((0.2023, 0.1994, 0.2010), np.float32).reshape(1, 3, 1, 1)

Batch = tuple[NDArray[np.uint8], Rows]


def recipe(request: Request) -> Draft:
    """Return the images of the batches, split by the seed and, where it is there, the forget file."""
    files = opened(request.files, lambda name: name == FORGET_INDICES or _NAME.fullmatch(name) is not None)
    train, test = _batches(files)
    images = np.concatenate([images for images, _labels in train + test]).reshape(-1, *_SHAPE)
    labels = np.concatenate([labels for _images, labels in train + test])
    trained = sum(len(labels) for _images, labels in train)
    return Draft(
        architecture="resnet18",
        classes=CLASSES,
        preset=PRESET,
        images=images,
        labels=labels,
        splits=_splits(labels, trained if test else None, files, request),
        to_float=normalised,
    )


def normalised(images: Images) -> NDArray[np.float32]:
    """Return bytes as numbers whose mean and deviation over CIFAR-10 are 0 and 1 in each channel."""
    found: NDArray[np.float32] = (images.astype(np.float32) / np.float32(255) - _MEAN) / _DEVIATION
    return found


def _splits(labels: Rows, trained: int | None, files: Mapping[str, bytes], request: Request) -> Splits:
    state = random_state(request.seed)
    named = [path for path in files if path.rpartition("/")[2] == FORGET_INDICES]
    rows = at_most(np.arange(len(labels)), labels, request.most_examples, state)
    splits = by_label(
        rows if trained is None else rows[rows < trained],
        labels,
        forget_fraction=request.forget_fraction,
        state=state,
        held_out=None if trained is None else rows[rows >= trained],
    )
    if not named:
        return splits
    if trained is None or request.most_examples is not None:
        reason = "test_batch is missing" if trained is None else "the number of examples is limited"
        raise RecipeError(f"{named[0]} counts through all training examples, but {reason}")
    forget = read_indices(named[0], files[named[0]], trained)
    return {**splits, "forget": forget, "retain": np.setdiff1d(np.arange(trained), forget)}


def read_indices(file: str, data: bytes, examples: int) -> Rows:
    """Return which training examples are to be forgotten, ascending.

    Raises:
        RecipeError: it is no array of such numbers, or one stands twice; rows are counted from 0.
    """
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise RecipeError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype.kind not in "iu":
        raise RecipeError(f"{file} is not one row of integers")
    wrong = np.flatnonzero((found < 0) | (found >= examples))
    if len(wrong):
        raise RecipeError(
            f"{file}, row {wrong[0]}: there is no training example {found[wrong[0]]}; there are {examples}"
        )
    unique, first = np.unique(found, return_index=True)
    if len(unique) != len(found):
        row = int(np.setdiff1d(np.arange(len(found)), first)[0])
        raise RecipeError(f"{file}, row {row}: {found[row]} stands twice")
    return unique.astype(np.int64)


def _batches(files: Mapping[str, bytes]) -> tuple[list[Batch], list[Batch]]:
    """Return the training batches in the order of their numbers, and the test batch if there is one."""
    chosen: dict[str, tuple[int, str, bool]] = {}
    for path in sorted(files):
        match = _NAME.fullmatch(path.rpartition("/")[2])
        if match is None:
            continue
        if match["kind"] in chosen:
            raise RecipeError(f"{chosen[match['kind']][1]} and {path} are the same batch; leave one of them")
        chosen[match["kind"]] = (int(match["number"] or 0), path, match["binary"] is not None)
    found: dict[bool, list[Batch]] = {False: [], True: []}
    for kind, (_number, path, binary) in sorted(chosen.items(), key=lambda item: item[1][0]):
        batch = read_binary(path, files[path]) if binary else read_python(path, files[path])
        check_labels(path, batch[1])
        if batch[1].max() >= CLASSES:
            row = int(batch[1].argmax())
            raise RecipeError(f"{path}, row {row}: there is no class {batch[1][row]}")
        found[kind == "test_batch"].append(batch)
    if not found[False]:
        raise RecipeError("there is no file with a name like data_batch_1, data_batch_1.bin or *.tar.gz")
    return found[False], found[True]


def read_binary(file: str, data: bytes) -> Batch:
    """Return images and labels of a batch of the binary version: a byte of label, then the pixels."""
    if not data or len(data) % (1 + _PIXELS):
        raise RecipeError(f"{file} ends in row {len(data) // (1 + _PIXELS)}")
    records = np.frombuffer(data, np.uint8).reshape(-1, 1 + _PIXELS)
    return records[:, 1:], records[:, 0].astype(np.int64)


def read_python(file: str, data: bytes) -> Batch:
    """Return images and labels of a batch of the Python version."""
    try:
        found = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # a damaged pickle raises whatever it likes
        raise RecipeError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, dict) or not {b"data", b"labels"} <= found.keys():
        raise RecipeError(f"{file} is not a batch: it has no data and labels")
    images, labels = found[b"data"], found[b"labels"]
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (_PIXELS,):
        raise RecipeError(f"{file}: its data are not rows of {_PIXELS} bytes")
    if not isinstance(labels, list) or len(labels) != len(images):
        raise RecipeError(f"{file} does not hold a label for each of its {len(images)} rows")
    for row, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < CLASSES:
            raise RecipeError(f"{file}, row {row}: the label is no number from 0 to {CLASSES - 1}")
    return images, np.array(labels, np.int64)


class _Unpickler(pickle.Unpickler):
    """Knows what NumPy's arrays are made of and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - what the base class says
        """Return one of three names, wherever NumPy keeps it today."""
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        raise pickle.UnpicklingError(f"it wants {module}.{name}")
