"""How accurate are the models, split by split and class by class, and how much do they vary?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.baselines.spread import Spread, spread_over_models
from scoring.checks import FloatArray, real_array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccuracyTable:
    """Accuracies in [0, 1] of both populations; NaN where there is no example."""

    unlearned_splits: Spread
    """Over all examples of a split. Each of its arrays has shape [splits]."""

    unlearned_classes: Spread
    """Over the examples of one class in a split. Each of its arrays has shape [splits, classes]."""

    reference_splits: Spread
    """As `unlearned_splits`, for the references."""

    reference_classes: Spread
    """As `unlearned_classes`, for the references."""


def accuracy_table(
    *, unlearned_correct: ArrayLike, reference_correct: ArrayLike, class_counts: ArrayLike
) -> AccuracyTable:
    """Return the accuracies of both populations with their spread over the models.

    A split's accuracy is of its examples, so large classes weigh more. The order of the
    splits is the caller's and is kept.

    Args:
        unlearned_correct: Right answers of each unlearned model. Integers of shape [n,
            splits, classes], n >= 1.
        reference_correct: Of each reference. Shape [m, splits, classes], m >= 1.
        class_counts: Examples of each class. Integers of shape [splits, classes], 0 allowed.

    Raises:
        ValueError: an array is empty, of a wrong shape, not of integers or negative, or a
            model is right more often than there are examples.
    """
    sizes = _counts(class_counts, name="The class counts", axes="[splits, classes]", dimensions=2)
    ours, theirs = (
        _accuracies(correct, sizes, name=name)
        for correct, name in ((unlearned_correct, "unlearned"), (reference_correct, "reference"))
    )
    return AccuracyTable(
        unlearned_splits=ours[0],
        unlearned_classes=ours[1],
        reference_splits=theirs[0],
        reference_classes=theirs[1],
    )


def split_accuracies(correct: ArrayLike, class_counts: ArrayLike) -> FloatArray:
    """Return each model's accuracy on each split. Shape [models, splits]; NaN if it is empty.

    Args:
        correct: Right answers. Integers of shape [models, splits, classes].
        class_counts: Examples of each class. Integers of shape [splits, classes].

    Raises:
        ValueError: as `accuracy_table`.
    """
    sizes = _counts(class_counts, name="The class counts", axes="[splits, classes]", dimensions=2)
    return _fractions(_right_answers(correct, sizes, name="The").sum(axis=2), sizes.sum(axis=1))


def _accuracies(correct: ArrayLike, sizes: NDArray[np.int64], *, name: str) -> tuple[Spread, Spread]:
    """Return the spread over one population, by split and by class."""
    right = _right_answers(correct, sizes, name=f"The {name}")
    by_split = _fractions(right.sum(axis=2), sizes.sum(axis=1))
    return spread_over_models(by_split), spread_over_models(_fractions(right, sizes))


def _fractions(right: NDArray[np.int64], sizes: NDArray[np.int64]) -> FloatArray:
    """Return right answers over sizes, NaN where the size is 0."""
    nowhere = np.full(right.shape, np.nan)
    np.divide(right, sizes, out=nowhere, where=np.broadcast_to(sizes > 0, right.shape))
    return nowhere


def _right_answers(correct: ArrayLike, sizes: NDArray[np.int64], *, name: str) -> NDArray[np.int64]:
    """Return the right answers, checked against the number of examples."""
    right = _counts(correct, name=f"{name} right answers", axes="[models, splits, classes]", dimensions=3)
    if right.shape[1:] != sizes.shape:
        raise ValueError(
            f"{name} right answers must have the splits and classes {sizes.shape}, not {right.shape[1:]}."
        )
    if (right > sizes).any():
        raise ValueError(f"{name} right answers must not outnumber the examples, but one does.")
    return right


def _counts(values: ArrayLike, *, name: str, axes: str, dimensions: int) -> NDArray[np.int64]:
    """Return the values as integers, after checking that they count something."""
    array = real_array(values, name=name)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, not of type {array.dtype}.")
    if array.ndim != dimensions or array.size == 0:
        raise ValueError(f"{name} must have shape {axes}, not empty, not {array.shape}.")
    if int(array.min()) < 0:
        raise ValueError(f"{name} must not be negative, but one is.")
    return array.astype(np.int64)
