"""Outputs of a population of models, and the npz file that stores them.

This is the only module of the scorer that reads or writes files.
"""

import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import CountArray, FloatArray, finite_array, read_only_copy, real_array
from scoring.probes.arrays import PROBE_ARRAYS, Probes
from scoring.published.confidence import logit_scaled_confidence
from scoring.published.score import Accuracies

SPLITS = ("retain", "forget", "val", "test")
"""The order of the splits in every table of counts."""

_REQUIRED = ("logits", "labels", "correct", "class_counts")
_OPTIONAL = ("unseen_losses", "seconds", "original_logits", "mislabelled")
_PROBE_PREFIX = "probe_"
"""In a file, before the name of an array of `Probes`."""

_UNREADABLE = (
    *(AttributeError, TypeError, EOFError, KeyError, ValueError, SyntaxError, MemoryError, OverflowError),
    *(RuntimeError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""Exceptions of NumPy's reader and the libraries below it for damaged, encrypted or oversized files."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """Outputs of a population of models, unlearned or retrained.

    Arrays are checked once and stored as read-only copies, logits in their own type.

    Raises:
        ValueError: an array is empty, not finite, or of a wrong shape or type; two arrays do not
            agree in size; a label is not a class; there are more correct answers than examples.
    """

    logits: NDArray[Any]
    """Raw outputs on the forget examples, floating. Shape [models, examples, classes]."""

    labels: CountArray
    """True class of each forget example. Shape [examples]."""

    correct: CountArray
    """Correct answers by split (in the order of `SPLITS`) and true class. Shape [models, 4, classes]."""

    class_counts: CountArray
    """Examples by split and class. Shape [4, classes]."""

    unseen_losses: FloatArray | None = None
    """Cross-entropy on examples that no model was trained on. Shape [models, unseen]."""

    seconds: FloatArray | None = None
    """Wall time that each model took: its unlearning, or its retraining. Shape [models]."""

    original_logits: NDArray[Any] | None = None
    """Raw outputs of the original network on the forget examples, floating. Shape [examples, classes]."""

    mislabelled: NDArray[np.bool_] | None = None
    """Whether each forget example was given a wrong label on purpose. Shape [examples]."""

    probes: Probes | None = None
    """What was recorded of each model besides these outputs."""

    def __post_init__(self) -> None:
        """Check all arrays and replace them by read-only copies."""
        logits = real_array(self.logits, name="The logits")
        if logits.dtype.kind != "f" or logits.ndim != 3 or logits.size == 0:
            raise ValueError(
                "The logits must be floating point of shape [models, examples, classes], not empty, not "
                f"{logits.dtype} {logits.shape}."
            )
        if not np.isfinite(logits).all():
            raise ValueError("The logits must be finite, but a value is NaN or infinite.")
        models, examples, classes = logits.shape
        self._store("logits", logits)
        self._store("labels", _counts(self.labels, name="The labels", shape=(examples,)))
        counts = _counts(self.class_counts, name="The class counts", shape=(len(SPLITS), classes))
        correct = _counts(self.correct, name="The correct answers", shape=(models, len(SPLITS), classes))
        if int(self.labels.max()) >= classes:
            raise ValueError(f"The labels must lie in 0 to {classes - 1}, but one does not.")
        if (counts.sum(axis=1) == 0).any():
            raise ValueError("Every split must have an example in the class counts, but one has none.")
        if (correct > counts).any():
            raise ValueError("The correct answers must not outnumber the examples, but somewhere they do.")
        self._store("class_counts", counts)
        self._store("correct", correct)
        for name, axes in (("unseen_losses", ("models", "unseen")), ("seconds", ("models",))):
            values = getattr(self, name)
            if values is None:
                continue
            array = finite_array(values, name=f"The {name.replace('_', ' ')}", axes=axes)
            if array.shape[0] != models:
                raise ValueError(
                    f"The {name.replace('_', ' ')} must come from {models} models, not {array.shape[0]}."
                )
            if array.min() < 0:
                raise ValueError(f"The {name.replace('_', ' ')} must not be negative, but one is.")
            self._store(name, array)
        self._check_examples(examples, classes)
        sizes = {"models": models, "examples": examples, "classes": classes}
        for axis, size in sizes.items():
            recorded = None if self.probes is None else self.probes.size(axis)
            if recorded not in (None, size):
                raise ValueError(f"The probes must have {size} {axis} like the outputs, not {recorded}.")

    def _check_examples(self, examples: int, classes: int) -> None:
        """Check what is known of the forget examples themselves."""
        if self.original_logits is not None:
            logits = finite_array(
                self.original_logits, name="The original network's logits", axes=("examples", "classes")
            )
            if logits.shape != (examples, classes):
                raise ValueError(
                    f"The original network's logits must have shape {(examples, classes)}, not "
                    f"{logits.shape}."
                )
            if np.asarray(self.original_logits).dtype.kind != "f":
                raise ValueError("The original network's logits must be floating point.")
            self._store("original_logits", np.asarray(self.original_logits))
        if self.mislabelled is not None:
            marks = np.asarray(self.mislabelled)
            if marks.dtype != np.bool_ or marks.shape != (examples,):
                raise ValueError(
                    f"The marks of mislabelled examples must be truth values of shape {(examples,)}, not "
                    f"{marks.dtype} {marks.shape}."
                )
            self._store("mislabelled", marks)

    def _store(self, name: str, array: NDArray[Any]) -> None:
        object.__setattr__(self, name, read_only_copy(array))

    @property
    def models(self) -> int:
        """Return the number of models."""
        return int(self.logits.shape[0])

    def confidences(self) -> FloatArray:
        """Return the logit-scaled confidences. Shape [models, examples].

        Models are processed one at a time, so that the float64 copies are of one model only.
        """
        return np.stack([logit_scaled_confidence(of_model, self.labels) for of_model in self.logits])

    def accuracies(self) -> Accuracies:
        """Return each model's accuracy on retain and test."""
        by_split = self.correct.sum(axis=2) / self.class_counts.sum(axis=1)
        return Accuracies(retain=by_split[:, SPLITS.index("retain")], test=by_split[:, SPLITS.index("test")])


def check_comparable(unlearned: Outputs, references: Outputs) -> None:
    """Raise an error if two populations were not evaluated on the same examples.

    Raises:
        ValueError: examples, labels or class counts differ, or a population has fewer than two models.
    """
    for name, outputs in (("unlearned", unlearned), ("reference", references)):
        if outputs.models < 2:
            raise ValueError(f"There must be two or more {name} models.")
    if unlearned.logits.shape[1:] != references.logits.shape[1:]:
        raise ValueError(
            "Unlearned and reference logits must have the same examples and classes, not "
            f"{unlearned.logits.shape[1:]} and {references.logits.shape[1:]}."
        )
    if not np.array_equal(unlearned.labels, references.labels):
        raise ValueError("Unlearned models and references must have the same labels, but they differ.")
    if not np.array_equal(unlearned.class_counts, references.class_counts):
        raise ValueError("Unlearned models and references must have the same class counts, but they differ.")


def load_outputs(file: Path | str | IO[bytes]) -> Outputs:
    """Read a population's outputs from an npz file whose arrays are named like the fields of `Outputs`.

    Those of `Probes` have ``probe_`` before their names.

    Arrays of objects (pickles) are refused. There is no limit on memory, so read only files from a
    source that you trust.

    Raises:
        ValueError: the file is not an npz file, an array is missing, or `Outputs` refuses the arrays.
        OSError: the file cannot be read.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in (*_REQUIRED, *_OPTIONAL) if name in archive}
            probes = {
                name: archive[_PROBE_PREFIX + name]
                for name in PROBE_ARRAYS
                if _PROBE_PREFIX + name in archive
            }
    except _UNREADABLE as error:
        raise ValueError("The outputs are not an npz file of plain numbers.") from error
    missing = [name for name in _REQUIRED if name not in arrays]
    if missing:
        raise ValueError(f"The outputs lack {', '.join(missing)}.")
    return Outputs(**arrays, probes=Probes(**probes) if probes else None)


def save_outputs(outputs: Outputs, file: Path | str | IO[bytes]) -> None:
    """Write the npz file that `load_outputs` reads."""
    arrays = {name: getattr(outputs, name) for name in (*_REQUIRED, *_OPTIONAL)}
    if outputs.probes is not None:
        arrays |= {_PROBE_PREFIX + name: getattr(outputs.probes, name) for name in PROBE_ARRAYS}
    np.savez(file, allow_pickle=False, **{name: array for name, array in arrays.items() if array is not None})


def _counts(values: ArrayLike, *, name: str, shape: tuple[int, ...]) -> CountArray:
    array = real_array(values, name=name)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, not of type {array.dtype}.")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}.")
    if array.size and int(array.min()) < 0:
        raise ValueError(f"{name} must not be negative, but one is.")
    return array.astype(np.intp)
