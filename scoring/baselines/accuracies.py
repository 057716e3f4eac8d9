"""Accuracies of the models by split and class, and their spread over the models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.baselines.spread import Spread, spread_over_models
from scoring.checks import FloatArray, real_array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccuracyTable:
    """Accuracies in [0, 1] of both populations; NaN for a class or split without examples."""

    unlearned_splits: Spread
    """Over all examples of a split. Each of its arrays has shape [splits]."""

    unlearned_classes: Spread
    """Over the examples of one class in a split. Each of its arrays has shape [splits, classes]."""

    reference_splits: Spread
    """The same as `unlearned_splits`, for the references."""

    reference_classes: Spread
    """The same as `unlearned_classes`, for the references."""


def accuracy_table(
    *, unlearned_correct: ArrayLike, reference_correct: ArrayLike, class_counts: ArrayLike
) -> AccuracyTable:
    """Return the accuracies of both populations with their spread over the models.

    The accuracy of a split is the mean over its examples, so large classes weigh more. The order of
    the splits is the caller's.

    Args:
        unlearned_correct: Correct answers of each unlearned model. Integers of shape [n,
            splits, classes], n >= 1.
        reference_correct: Correct answers of each reference. Shape [m, splits, classes], m >= 1.
        class_counts: Number of examples of each class. Integers of shape [splits, classes], 0 allowed.

    Raises:
        ValueError: an array is empty, of a wrong shape, not of integers or negative, or a
            model has more correct answers than there are examples.
    """
    sizes = _counts(class_counts, name="The class counts", axes="[splits, classes]", dimensions=2)
    unlearned, references = (
        _accuracies(correct, sizes, name=name)
        for correct, name in ((unlearned_correct, "unlearned"), (reference_correct, "reference"))
    )
    return AccuracyTable(
        unlearned_splits=unlearned[0],
        unlearned_classes=unlearned[1],
        reference_splits=references[0],
        reference_classes=references[1],
    )


def split_accuracies(correct: ArrayLike, class_counts: ArrayLike) -> FloatArray:
    """Return each model's accuracy on each split. Shape [models, splits]; NaN for an empty split.

    Args:
        correct: Correct answers. Integers of shape [models, splits, classes].
        class_counts: Number of examples of each class. Integers of shape [splits, classes].

    Raises:
        ValueError: as in `accuracy_table`.
    """
    sizes = _counts(class_counts, name="The class counts", axes="[splits, classes]", dimensions=2)
    return _fractions(_check_correct(correct, sizes, name="The").sum(axis=2), sizes.sum(axis=1))


def _accuracies(correct: ArrayLike, sizes: NDArray[np.int64], *, name: str) -> tuple[Spread, Spread]:
    """Return the spread over one population, by split and by class."""
    answers = _check_correct(correct, sizes, name=f"The {name}")
    by_split = _fractions(answers.sum(axis=2), sizes.sum(axis=1))
    return spread_over_models(by_split), spread_over_models(_fractions(answers, sizes))


def _fractions(answers: NDArray[np.int64], sizes: NDArray[np.int64]) -> FloatArray:
    """Return answers divided by sizes, NaN where the size is 0."""
    fractions = np.full(answers.shape, np.nan)
    np.divide(answers, sizes, out=fractions, where=np.broadcast_to(sizes > 0, answers.shape))
    return fractions


def _check_correct(correct: ArrayLike, sizes: NDArray[np.int64], *, name: str) -> NDArray[np.int64]:
    """Return the correct answers as integers, after comparing them with the number of examples."""
    answers = _counts(correct, name=f"{name} correct answers", axes="[models, splits, classes]", dimensions=3)
    if answers.shape[1:] != sizes.shape:
        raise ValueError(
            f"{name} correct answers must have the splits and classes {sizes.shape}, not {answers.shape[1:]}."
        )
    if (answers > sizes).any():
        raise ValueError(f"{name} correct answers must not outnumber the examples, but one count does.")
    return answers


def _counts(values: ArrayLike, *, name: str, axes: str, dimensions: int) -> NDArray[np.int64]:
    """Return the values as integers, after checking that they are non-negative counts."""
    array = real_array(values, name=name)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, not of type {array.dtype}.")
    if array.ndim != dimensions or array.size == 0:
        raise ValueError(f"{name} must have shape {axes}, not empty, not {array.shape}.")
    if int(array.min()) < 0:
        raise ValueError(f"{name} must not be negative, but one is.")
    return array.astype(np.int64)
