"""How well does a likelihood ratio of two Gaussians, fitted per example, tell the models apart?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.samples import paired_confidences

LEAST_MODELS = 4
"""On each side, so that each half has two models to fit a spread to."""

REPEATS = 5
"""How many random halvings are averaged."""

_RELATIVE_FLOOR = 1e-3
_ABSOLUTE_FLOOR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ULira:
    """What the attack achieves on models that it was not fitted to; 1/2 is a guess."""

    accuracy: FloatArray
    """Of each example: mean of both sides' hit rates, in [0, 1]. Shape [examples]; read-only."""

    auc: FloatArray
    """Of each example: area under its ROC curve, in [0, 1]. Shape [examples]; read-only."""

    accuracy_mean: float
    """Mean of `accuracy` over the examples."""

    auc_mean: float
    """Mean of `auc` over the examples."""


def u_lira(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> ULira:
    """Return how well U-LiRA tells unlearned from retrained models, example by example.

    One half of the models of each side is fitted, the other half judged by
    ``log N(f; unlearned fit) - log N(f; retrained fit)``, then the halves change roles. The
    halves are random and the same for all examples; five halvings are averaged. Halving
    is a decision: leaving out one model at a time is known to push the null below 1/2, since a
    model that is left out pulls its own side's fit away from itself. Decisions:

    * a model whose ratio is exactly 1 counts as half a hit, for accuracy and AUC alike;
    * a fitted standard deviation is at least 1/1000 of the two sides' pooled one, and
      1e-6, so that constant sides have a likelihood too. Equal constants give 1/2, different
      ones 1;
    * both sides weigh the same, however many models they have.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 4.
        retrained: Confidences under the references. Shape [m, examples], m >= 4.
        seed: Decides the halves.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than four models
            stand on a side, or a value is NaN, infinite or beyond 10 000 either way.

    Source:
        U-LiRA in "Inexact Unlearning Needs More Careful Evaluations to Avoid a False Sense
        of Privacy", arXiv 2403.01218, after LiRA (arXiv 2112.03570). There the fits come
        from shadow models and one unlearned model is attacked; here all are runs of one
        method, so half of them stand for the shadow models.
    """
    ours, theirs = paired_confidences(unlearned, retrained, least=LEAST_MODELS)
    rng = np.random.default_rng(seed)
    accuracy, auc = np.zeros(ours.shape[1]), np.zeros(ours.shape[1])
    for _ in range(REPEATS):
        our_halves, their_halves = (np.array_split(rng.permutation(len(side)), 2) for side in (ours, theirs))
        for fitted, judged in ((0, 1), (1, 0)):
            positive, negative = _ratios(
                fitted=(ours[our_halves[fitted]], theirs[their_halves[fitted]]),
                judged=(ours[our_halves[judged]], theirs[their_halves[judged]]),
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
    """Return the log likelihood ratio of each judged model, of the shapes of the judged."""
    pooled = np.sqrt((fitted[0].var(axis=0) + fitted[1].var(axis=0)) / 2 + _gap_variance(*fitted))
    floor = np.maximum(_RELATIVE_FLOOR * pooled, _ABSOLUTE_FLOOR)
    means = [side.mean(axis=0) for side in fitted]
    deviations = [np.maximum(side.std(axis=0, ddof=1), floor) for side in fitted]

    def ratio(values: FloatArray) -> FloatArray:
        squares = [((values - mean) / dev) ** 2 for mean, dev in zip(means, deviations, strict=True)]
        found: FloatArray = np.log(deviations[1] / deviations[0]) + (squares[1] - squares[0]) / 2
        return found

    return ratio(judged[0]), ratio(judged[1])


def _gap_variance(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """Return the variance between the two means, each side weighing the same."""
    gap: FloatArray = (ours.mean(axis=0) - theirs.mean(axis=0)) ** 2 / 4
    return gap


def _hit_rate(ratios: FloatArray) -> FloatArray:
    """Return which part of the models is above 0, those at 0 counting half. Shape [examples]."""
    rate: FloatArray = ((ratios > 0).mean(axis=0) + (ratios >= 0).mean(axis=0)) / 2
    return rate


def _auc(positive: FloatArray, negative: FloatArray) -> FloatArray:
    """Return the probability that a positive is above a negative, ties half. Shape [examples]."""
    areas = np.empty(positive.shape[1])
    for example, below in enumerate(np.sort(negative, axis=0).T):
        column = positive[:, example]
        beaten: CountArray = np.searchsorted(below, column, side="left")
        beaten_or_equal: CountArray = np.searchsorted(below, column, side="right")
        areas[example] = (beaten.sum() + beaten_or_equal.sum()) / (2 * column.size * below.size)
    return areas
