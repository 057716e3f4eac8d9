"""Which arrays the scorer accepts, and how it refuses the others.

Every public function of the package passes its inputs through one of these checks, so
that a shape, a type or a value that cannot be right is named once, in one sentence, before
any statistics. None of them writes to what it is given.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

ScalarT = TypeVar("ScalarT", bound=np.generic)

FloatArray = NDArray[np.float64]
"""Float64 values; the docstring beside each use gives the shape."""

CountArray = NDArray[np.intp]
"""Counts and positions, of the type that NumPy itself indexes with."""


def finite_array(values: ArrayLike, *, name: str, axes: tuple[str, ...]) -> FloatArray:
    """Return the values as float64, after checking axes, size and finiteness.

    Args:
        values: Any real numbers. The result shares their memory where they are float64
            already, so callers do not write to it.
        name: What the values are, for the error's sentence.
        axes: One word for each axis that the values must have, in order.

    Raises:
        ValueError: the values are not real numbers, have other axes, are empty, or hold a
            NaN or an infinity.
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
    """Return the values as an array in their own dtype, which is integer or floating.

    Raises:
        ValueError: they are complex, boolean, text, objects or of unequal lengths.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, not of type {array.dtype}.")
    return array


def read_only_copy(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """Return a copy that refuses writes, for values that are kept."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy
