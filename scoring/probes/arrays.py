"""What was recorded of a population of networks besides their outputs on the forget examples."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import CountArray, FloatArray, read_only_copy, real_array

_AXES = {
    "retain_logits": ("models", "retain", "classes"),
    "retain_labels": ("retain",),
    "test_logits": ("models", "test", "classes"),
    "test_labels": ("test",),
    "perturbed_logits": ("models", "norms", "copies", "examples", "classes"),
    "norms": ("norms",),
    "features": ("models", "examples", "features"),
    "relearned_logits": ("models", "examples", "classes"),
}
"""Axes of each array; an axis has one size wherever it occurs."""

_TOGETHER = (
    ("retain_logits", "retain_labels"),
    ("test_logits", "test_labels"),
    ("perturbed_logits", "norms"),
)
"""Pairs of arrays of which none is of use without the other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probes:
    """What was recorded of each model of a population; None is what was not recorded.

    Samples, noise, projection and seeds are the same for all networks of a challenge. Arrays are
    checked once and stored as read-only copies, floating ones in their own type.

    Raises:
        ValueError: an array is empty, not finite, or of a wrong shape or type; two arrays do not agree in
            size; a label is not a class; the norms are not positive and increasing; one array of a
            pair (logits and their labels, perturbed logits and their norms) is missing.
    """

    retain_logits: NDArray[Any] | None = None
    """Raw outputs on a sample of the retain examples, floating. Shape [models, retain, classes]."""

    retain_labels: CountArray | None = None
    """True class of each retain example of the sample. Shape [retain]."""

    test_logits: NDArray[Any] | None = None
    """Raw outputs on a sample of the test examples, floating. Shape [models, test, classes]."""

    test_labels: CountArray | None = None
    """True class of each test example of the sample. Shape [test]."""

    perturbed_logits: NDArray[Any] | None = None
    """Raw outputs on copies of the forget examples with noise, floating.
    Shape [models, norms, copies, examples, classes]."""

    norms: FloatArray | None = None
    """Euclidean norm of the noise as a fraction of the example's own, increasing. Shape [norms]."""

    features: NDArray[Any] | None = None
    """Features of the forget examples before the last layer, projected to few numbers by a fixed random
    matrix, floating. Shape [models, examples, features]."""

    relearned_logits: NDArray[Any] | None = None
    """Raw outputs on the forget examples after a few steps of fine-tuning on retain alone, floating.
    Shape [models, examples, classes]."""

    def __post_init__(self) -> None:
        """Check all arrays and replace them by read-only copies."""
        for first, second in _TOGETHER:
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                raise ValueError(f"The probes must have both {first} and {second}, or neither.")
        sizes: dict[str, int] = {}
        for name, axes in _AXES.items():
            if getattr(self, name) is None:
                continue
            array = _checked(getattr(self, name), name=name, axes=axes)
            for axis, size in zip(axes, array.shape, strict=True):
                if sizes.setdefault(axis, size) != size:
                    raise ValueError(
                        f"All probes must agree in their number of {axis}, but {name} has {size} and "
                        f"another array {sizes[axis]}."
                    )
            object.__setattr__(self, name, read_only_copy(array))
        for name in ("retain_labels", "test_labels"):
            labels = getattr(self, name)
            if labels is not None and int(labels.max()) >= sizes["classes"]:
                raise ValueError(f"{name} must lie in 0 to {sizes['classes'] - 1}, but one does not.")
        if self.norms is not None and not (np.diff(self.norms, prepend=0) > 0).all():
            raise ValueError("norms must be positive and increasing, but they are not.")

    def size(self, axis: str) -> int | None:
        """Return the size of an axis (``models``, ``examples`` or ``classes``), None if no array has it."""
        for name, axes in _AXES.items():
            array = getattr(self, name)
            if array is not None and axis in axes:
                return int(array.shape[axes.index(axis)])
        return None


PROBE_ARRAYS = tuple(field.name for field in fields(Probes))
"""Names of all arrays, in the order of the fields."""


def _checked(values: ArrayLike, *, name: str, axes: tuple[str, ...]) -> NDArray[Any]:
    """Return an array of this many axes: labels as indices, norms as float64, all others as they are."""
    array: NDArray[Any] = real_array(values, name=name)
    labels = name.endswith("_labels")
    if array.dtype.kind not in ("iu" if labels else "f"):
        kind = "integers" if labels else "floating point"
        raise ValueError(f"{name} must be {kind}, not of type {array.dtype}.")
    if array.ndim != len(axes) or array.size == 0:
        raise ValueError(f"{name} must have shape [{', '.join(axes)}], not empty, not {array.shape}.")
    if labels:
        if int(array.min()) < 0:
            raise ValueError(f"{name} must not be negative, but one is.")
        return array.astype(np.intp)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but a value is NaN or infinite.")
    return array.astype(np.float64) if name == "norms" else array
