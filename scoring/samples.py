"""Are two sets of confidences ones that can be compared, example by example?"""

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array

_LARGEST_CONFIDENCE = 1e4
"""A confidence lies within 104 of zero; far beyond it the published grids would fill the memory."""


def paired_confidences(
    unlearned: ArrayLike, retrained: ArrayLike, *, least: int = 2
) -> tuple[FloatArray, FloatArray]:
    """Return both as float64 of shape [models, examples], after checking them.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples].
        retrained: Confidences under the references. Shape [m, examples]; m may differ from n.
        least: How many models must stand on each side.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, too few models stand on
            a side, or a value is NaN, infinite or beyond 10 000 either way.
    """
    samples = []
    for values, name in ((unlearned, "unlearned"), (retrained, "retrained")):
        array = finite_array(values, name=f"The {name} confidences", axes=("models", "examples"))
        if array.shape[0] < least:
            few = "two" if least == 2 else str(least)
            raise ValueError(f"The {name} confidences must come from {few} or more models.")
        if np.abs(array).max() > _LARGEST_CONFIDENCE:
            raise ValueError(f"The {name} confidences must lie within 10 000 of zero.")
        samples.append(array)
    ours, theirs = samples
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            "Unlearned and retrained confidences must cover the same examples, not "
            f"{ours.shape[1]} and {theirs.shape[1]}."
        )
    return ours, theirs
