"""Checks of the arrays that the scorer accepts.

Every public function of the package passes its inputs through one of these checks. So an
impossible shape, type or value is reported in one sentence, before any statistics are computed.
No check writes to its inputs.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

ScalarT = TypeVar("ScalarT", bound=np.generic)

FloatArray = NDArray[np.float64]
"""Float64 values; the docstring at each use gives the shape."""

CountArray = NDArray[np.intp]
"""Counts and positions, in the type that NumPy uses for indices."""


def finite_array(values: ArrayLike, *, name: str, axes: tuple[str, ...]) -> FloatArray:
    """Return the values as float64, after checking axes, size and finiteness.

    Args:
        values: Any real numbers. If they are already float64 the result shares their memory,
            so callers must not write to it.
        name: Subject of the error message's sentence.
        axes: One word for each required axis, in order.

    Raises:
        ValueError: the values are not real numbers, have another number of axes, are empty, or
            contain a NaN or an infinity.
    """
    array = real_array(values, name=name)
    if array.ndim != len(axes):
        raise ValueError(f"{name} must have shape [{', '.join(axes)}], not {array.shape}.")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, but its shape is {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but a value is NaN or infinite.")
    return array.astype(np.float64, copy=False)


def real_array(values: ArrayLike, *, name: str) -> NDArray[np.generic]:
    """Return the values as an array in their own dtype, which must be integer or floating.

    Raises:
        ValueError: the values are complex, boolean, text, objects or of unequal lengths.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, not of type {array.dtype}.")
    return array


def labelled_logits(logits: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.generic], CountArray]:
    """Return the logits in their own type and the labels as class indices, after checking both.

    Args:
        logits: Raw outputs of the network, floating. Shape [..., classes], classes >= 2.
        labels: The true class of each example, integers in [0, classes). Shape [...].

    Raises:
        ValueError: the logits are not floating, have fewer than two classes, are empty or not
            finite; the labels are not integers, have another shape, or are out of range.
    """
    raw = real_array(logits, name="The logits")
    if raw.dtype.kind != "f":
        raise ValueError(f"The logits must be floating point, not of type {raw.dtype}.")
    if raw.ndim == 0 or raw.shape[-1] < 2:
        raise ValueError(f"The logits must end in an axis of two or more classes, not {raw.shape}.")
    if raw.size == 0:
        raise ValueError(f"The logits must not be empty, but their shape is {raw.shape}.")
    if not np.isfinite(raw).all():
        raise ValueError("The logits must be finite, but a value is NaN or infinite.")
    true = real_array(labels, name="The labels")
    if true.dtype.kind not in "iu":
        raise ValueError(f"The labels must be integers, not of type {true.dtype}.")
    if true.shape != raw.shape[:-1]:
        raise ValueError(f"The labels must have shape {raw.shape[:-1]}, like the logits, not {true.shape}.")
    classes = raw.shape[-1]
    if int(true.min()) < 0 or int(true.max()) >= classes:
        raise ValueError(f"The labels must lie in 0 to {classes - 1}, but one does not.")
    return raw, true.astype(np.intp)


def read_only_copy(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """Return a read-only copy, for values that are stored."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy
