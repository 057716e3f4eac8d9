"""Check that two sets of confidences can be compared, example by example."""

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array

_MAX_CONFIDENCE = 1e4
"""A confidence lies within 104 of zero; far beyond it the published grids would fill the memory."""


def paired_confidences(
    unlearned: ArrayLike, retrained: ArrayLike, *, min_models: int = 2
) -> tuple[FloatArray, FloatArray]:
    """Return both as float64 of shape [models, examples], after checking them.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples].
        retrained: Confidences under the references. Shape [m, examples]; m may differ from n.
        min_models: Minimum number of models on each side.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has too few models,
            or a value is NaN, infinite or more than 10 000 from zero.
    """
    samples = []
    for values, name in ((unlearned, "unlearned"), (retrained, "retrained")):
        array = finite_array(values, name=f"The {name} confidences", axes=("models", "examples"))
        if array.shape[0] < min_models:
            number = "two" if min_models == 2 else str(min_models)
            raise ValueError(f"The {name} confidences must come from {number} or more models.")
        if np.abs(array).max() > _MAX_CONFIDENCE:
            raise ValueError(f"The {name} confidences must lie within 10 000 of zero.")
        samples.append(array)
    first, second = samples
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "Unlearned and retrained confidences must cover the same examples, not "
            f"{first.shape[1]} and {second.shape[1]}."
        )
    return first, second
