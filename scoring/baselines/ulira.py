"""U-LiRA: unlearned and retrained models separated by a likelihood ratio of two Gaussians per example."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.samples import paired_confidences

MIN_MODELS = 4
"""Minimum on each side, so that each half has two models to fit a standard deviation to."""

REPEATS = 5
"""Number of random halvings that are averaged."""

_RELATIVE_FLOOR = 1e-3
_ABSOLUTE_FLOOR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ULira:
    """Accuracy and AUC of the attack on models that it was not fitted to; 1/2 is a guess."""

    accuracy: FloatArray
    """Mean of both sides' hit rates for each example, in [0, 1]. Shape [examples]; read-only."""

    auc: FloatArray
    """Area under the ROC curve of each example, in [0, 1]. Shape [examples]; read-only."""

    accuracy_mean: float
    """Mean of `accuracy` over the examples."""

    auc_mean: float
    """Mean of `auc` over the examples."""


def u_lira(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> ULira:
    """Return the accuracy and AUC of U-LiRA on unlearned against retrained models, example by example.

    The Gaussians are fitted to one half of the models of each side, and the other half is judged by
    ``log N(f; unlearned fit) - log N(f; retrained fit)``; then the halves exchange roles. The
    halves are random and the same for all examples; five halvings are averaged. Decisions:

    * models are halved, because leaving out one model at a time is known to push the null below
      1/2: a model that is left out moves its own side's fit away from itself;
    * a model whose ratio is exactly 1 counts as half a hit, for both accuracy and AUC;
    * a fitted standard deviation is at least 1/1000 of the two sides' pooled deviation, and at least
      1e-6, so that constant sides have a likelihood too. Equal constants give 1/2, different
      constants give 1;
    * both sides weigh the same, whatever their numbers of models.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 4.
        retrained: Confidences under the references. Shape [m, examples], m >= 4.
        seed: Seed of the random halves.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than four
            models, or a value is NaN, infinite or more than 10 000 from zero.

    Source:
        U-LiRA in "Inexact Unlearning Needs More Careful Evaluations to Avoid a False Sense
        of Privacy", arXiv 2403.01218, after LiRA (arXiv 2112.03570). There the fits come
        from shadow models and one unlearned model is attacked; here all models are runs of one
        method, so half of them serve as the shadow models.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained, min_models=MIN_MODELS)
    rng = np.random.default_rng(seed)
    accuracy, auc = np.zeros(unlearned.shape[1]), np.zeros(unlearned.shape[1])
    for _ in range(REPEATS):
        unlearned_halves, retrained_halves = (
            np.array_split(rng.permutation(len(side)), 2) for side in (unlearned, retrained)
        )
        for fitted, judged in ((0, 1), (1, 0)):
            positive, negative = _ratios(
                fitted=(unlearned[unlearned_halves[fitted]], retrained[retrained_halves[fitted]]),
                judged=(unlearned[unlearned_halves[judged]], retrained[retrained_halves[judged]]),
            )
            accuracy += (_hit_rate(positive) + _hit_rate(-negative)) / 2
            auc += _auc(positive, negative)
    accuracy /= 2 * REPEATS
    auc /= 2 * REPEATS
    return ULira(
        accuracy=read_only_copy(accuracy),
        auc=read_only_copy(auc),
        accuracy_mean=float(accuracy.mean()),
        auc_mean=float(auc.mean()),
    )


def _ratios(
    *, fitted: tuple[FloatArray, FloatArray], judged: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return the log likelihood ratio of each judged model, in the shapes of the judged samples."""
    pooled = np.sqrt((fitted[0].var(axis=0) + fitted[1].var(axis=0)) / 2 + _gap_variance(*fitted))
    floor = np.maximum(_RELATIVE_FLOOR * pooled, _ABSOLUTE_FLOOR)
    means = [side.mean(axis=0) for side in fitted]
    deviations = [np.maximum(side.std(axis=0, ddof=1), floor) for side in fitted]

    def ratio(values: FloatArray) -> FloatArray:
        squares = [((values - mean) / dev) ** 2 for mean, dev in zip(means, deviations, strict=True)]
        log_ratio: FloatArray = np.log(deviations[1] / deviations[0]) + (squares[1] - squares[0]) / 2
        return log_ratio

    return ratio(judged[0]), ratio(judged[1])


def _gap_variance(unlearned: FloatArray, retrained: FloatArray) -> FloatArray:
    """Return the variance between the two means, with equal weight for each side."""
    gap: FloatArray = (unlearned.mean(axis=0) - retrained.mean(axis=0)) ** 2 / 4
    return gap


def _hit_rate(ratios: FloatArray) -> FloatArray:
    """Return the fraction of models above 0; a model at 0 counts half. Shape [examples]."""
    rate: FloatArray = ((ratios > 0).mean(axis=0) + (ratios >= 0).mean(axis=0)) / 2
    return rate


def _auc(positive: FloatArray, negative: FloatArray) -> FloatArray:
    """Return the probability that a positive is above a negative; a tie counts half. Shape [examples]."""
    areas = np.empty(positive.shape[1])
    # Both are sorted, because ascending values are found in half of the time.
    columns = zip(*(np.sort(side.T, axis=1) for side in (positive, negative)), strict=True)
    for example, (above, below) in enumerate(columns):
        beaten: CountArray = below.searchsorted(above, side="left")
        beaten_or_equal: CountArray = below.searchsorted(above, side="right")
        areas[example] = (beaten.sum() + beaten_or_equal.sum()) / (2 * above.size * below.size)
    return areas
