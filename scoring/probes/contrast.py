"""A statistic of the submission beside what retraining itself would get.

Two kinds of statistics have a null that is centred by construction::

    gap       of a score that each model has by itself: mean of the unlearned models less mean of the
              references. Its null is 0, give or take the references' own spread.
    contrast  of a statistic that compares two populations: half of the unlearned models against half of
              the references, and in their place the other half of the references against the same
              half. Both have the same sizes, so that a bias of the statistic is in both.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array
from scoring.statistics.interval import CONFIDENCE, Interval, additive_interval, signed_interval

MIN_MODELS = 4
"""Minimum on each side of a gap."""

MIN_HALVED = 32
"""Minimum on each side of a contrast, whose statistics see half of the models. With 16, the exact epsilon
jumps to its cap by chance, and the intervals are wrong too often."""

SPLITS = 6
"""Number of random divisions into halves."""

_SHARE = 0.6
"""Variance of a mean over divisions less that of its null, as a part of the variance of one division. For a
statistic that is linear in the models it is 1/2; simulated, it is 0.1 to 0.6 (docs/metrics.md)."""

_LEAST_SHARE = 0.5
"""Least variance of a mean over divisions, as a part of the half variance of one pair of halves: its estimate
is a difference, which chance may make small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A statistic of the submission and of retraining in its place, at equal numbers of models."""

    value: Interval
    """The statistic of the submission."""

    null: Interval
    """Of networks that were retrained without the forget set. The interval is for the statistic of one such
    submission, so it includes the chance of its own runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Contrast):
    """Difference of a score's means, unlearned models less references; its null is 0."""

    unlearned: float
    """Mean of the unlearned models."""

    references: float
    """Mean of the references."""

    reference_deviation: float
    """Standard deviation of the score from one reference to the next. All runs start from one original
    network: a gap that is small beside this may be a peculiarity of that network."""


def gap(
    unlearned: ArrayLike,
    references: ArrayLike,
    *,
    resolution: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Gap:
    """Return the difference of two means, with Welch's interval, and the null of n further references.

    Args:
        unlearned: Score of each unlearned model. Shape [n], n >= 4.
        references: Score of each reference. Shape [m], m >= 4.
        resolution: Smallest step of a score that is a share, from one example more or less; 0 if there is
            none. If hardly any model deviates, chance shows no variance at all: as much is added as one
            deviation by one step has. For shares of 0 the bound is then that of the rule of three.
        confidence: Of both intervals, in (0, 1).

    Raises:
        ValueError: a side has fewer than four models, a value is not finite, or the confidence is out of
            range.

    Source:
        Welch, "The generalization of 'Student's' problem when several different population variances are
        involved", Biometrika 34, 1947.
    """
    first = finite_array(unlearned, name="The scores of the unlearned models", axes=("models",))
    second = finite_array(references, name="The scores of the references", axes=("models",))
    require_models(first, second, MIN_MODELS)
    variances = [float(side.var(ddof=1)) + resolution**2 / (side.size - 1) for side in (first, second)]
    errors = np.array([variances[0] / first.size, variances[1] / second.size])
    weights = errors**2 / np.array([first.size - 1, second.size - 1])
    degrees = float(errors.sum() ** 2 / weights.sum()) if weights.sum() > 0 else float(second.size - 1)
    return Gap(
        value=signed_interval(
            float(first.mean() - second.mean()),
            float(np.sqrt(errors.sum())),
            degrees=degrees,
            confidence=confidence,
        ),
        null=signed_interval(
            0.0,
            math.sqrt(variances[1] * (1 / first.size + 1 / second.size)),
            degrees=second.size - 1,
            confidence=confidence,
        ),
        unlearned=float(first.mean()),
        references=float(second.mean()),
        reference_deviation=float(second.std(ddof=1)),
    )


def contrasts(
    statistic: Callable[[FloatArray, FloatArray], ArrayLike],
    unlearned: FloatArray,
    references: FloatArray,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
    splits: int = SPLITS,
) -> tuple[Contrast, ...]:
    """Return statistics of halves of the unlearned models, and of halves of the references in their place.

    Both populations are divided at random into halves, several times. The value is the mean over all
    pairs of a half of the unlearned models with one of the references; the null is the mean over the
    halves of the references against each other. Given a half of the references, the other half and
    a half of perfectly unlearned models are exchangeable, so the two means are equal for any statistic.

    *The value's error.* The two pairs of one division share no model, so half of their squared
    difference estimates the variance of one pair, and half of that is the variance of the mean of the two.
    Averaging over divisions removes what varies between divisions of the same models. Divisions share their
    models, so the error has fewer degrees of freedom than there are divisions.

    Args:
        statistic: From some unlearned models and some references, arrays with one model in a row, to one
            number or several, each 0 or more.
        unlearned: Shape [n, ...], n >= 32.
        references: Shape [m, ...], m >= 32.
        seed: Seed of the divisions.
        confidence: Of all intervals, in (0, 1).
        splits: Number of divisions, 2 or more.

    Returns:
        One contrast for each number.

    Raises:
        ValueError: a side has fewer than 32 models, or the confidence is out of range.
    """
    require_models(unlearned, references, MIN_HALVED)
    size, half = min(len(unlearned), len(references)) // 2, len(references) // 2
    rng = np.random.default_rng(seed)
    of_pairs, of_nulls = [], []
    for _ in range(splits):
        order, reference_order = rng.permutation(len(unlearned)), rng.permutation(len(references))
        parts = unlearned[order[:size]], unlearned[order[size : 2 * size]]
        halves = references[reference_order[:half]], references[reference_order[half : 2 * half]]
        of_pairs.append([statistic(part, other) for part, other in zip(parts, halves, strict=True)])
        of_nulls.append([statistic(halves[0][:size], halves[1]), statistic(halves[1][:size], halves[0])])
    pairs, nulls = (np.array(each, dtype=np.float64).reshape(splits, 2, -1) for each in (of_pairs, of_nulls))
    of_one = np.mean((pairs[:, 0] - pairs[:, 1]) ** 2, axis=0) / 4
    between = pairs.mean(axis=1).var(axis=0, ddof=1) * (1 - 1 / splits)
    variance = np.maximum(of_one - between, _LEAST_SHARE * of_one)
    null_variance = _SHARE * nulls.var(axis=0, ddof=1).mean(axis=0)
    return tuple(
        Contrast(
            value=additive_interval(
                float(pairs[:, :, at].mean()),
                float(np.sqrt(variance[at])),
                degrees=max(splits - 2, 1),
                confidence=confidence,
            ),
            null=additive_interval(
                float(nulls[:, :, at].mean()),
                float(np.sqrt(null_variance[at])),
                degrees=splits - 1,
                confidence=confidence,
            ),
        )
        for at in range(pairs.shape[2])
    )


def require_models(unlearned: FloatArray, references: FloatArray, least: int) -> None:
    """Raise an error if a side has too few models.

    Raises:
        ValueError: a side has fewer than ``least``.
    """
    if min(len(unlearned), len(references)) < least:
        raise ValueError(f"It needs {least} or more models on each side.")
