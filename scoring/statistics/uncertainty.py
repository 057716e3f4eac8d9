"""How much would the score change if the models were trained again?"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import CountArray, FloatArray
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.published.score import Accuracies
from scoring.samples import paired_confidences
from scoring.statistics.interval import CONFIDENCE, Interval, additive_interval, multiplicative_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """The published score and its parts, each with an interval.

    An interval holds the expectation of its number over fresh sets of n unlearned models and
    m references of the same origin. What the published metric would give with more models
    is another question.
    """

    forgetting_quality: Interval
    """F."""

    retain_ratio: Interval
    """Mean retain accuracy of the unlearned models over that of the references."""

    test_ratio: Interval
    """Mean test accuracy of the unlearned models over that of the references."""

    score: Interval
    """F times both ratios, not clipped."""

    rerun_standard_deviation: float
    """Of the score, if only the n unlearned models were drawn again; in units of the score."""

    rerun_relative: float
    """The same as a part of the score; 0 for a score of 0."""


class _Differences(NamedTuple):
    """How far two independent halves lie apart, as parts of their mean. Shapes [pairs]."""

    quality: FloatArray
    retain: FloatArray
    test: FloatArray


def score_uncertainty(
    *,
    unlearned: ArrayLike,
    retrained: ArrayLike,
    unlearned_accuracies: Accuracies,
    reference_accuracies: Accuracies,
    seed: int,
    splits: int = 16,
    confidence: float = CONFIDENCE,
) -> Uncertainty:
    """Return intervals for the score and its parts by halving both populations of models.

    Both populations are cut into random halves, which share no model: U1, U2 of the
    unlearned, R1, R2 of the references. So the F of (U1, R1) and (U2, R2) are *independent*, and
    half of their squared difference is an unbiased estimate of the variance of F at half
    the size; so with (U1, R2) and (U2, R1). The pairs (U1, R1) and (U2, R1) share their
    references and give the variance over unlearned models alone, the rerun noise. All
    four are computed for each of several splits and averaged.

    From half the size to the full size:

    * **F** keeps its *relative* standard deviation. Epsilon is decided by a few errors in
      the tails, whatever the number of models: simulated from n = 32 to 512 the relative
      deviation of F stays 0.12, 0.14, 0.14, 0.14, 0.15 under a shift of half a sigma, and
      0.28, 0.27, 0.26, 0.25, 0.21 under one of a sigma with correlated examples. Where epsilon is decided by
      many models (confidences of a few distinct values) the interval is too wide, by up to √2;
      with fewer than about 50 models under a shift it is too narrow, by a fifth at n = 24.
    * **Accuracies** are means, and their differences shrink by √2. For the intervals of the
      ratios alone the delete-one jackknife serves, which needs no split.

    Models are drawn without replacement, as a maximum over rules sees a model that is drawn
    twice as a cluster to be told apart: a bootstrap raises the mean epsilon of the null from
    1.55 to 1.82. Models are drawn, never examples, which share them.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 4.
        retrained: Confidences under the references. Shape [m, examples], m >= 4.
        unlearned_accuracies: Of the same unlearned models, in the same order.
        reference_accuracies: Of the same references, in the same order.
        seed: Of the random halves.
        splits: How many; each costs four evaluations of the metric at half size.
        confidence: In (0, 1).

    Raises:
        ValueError: fewer than four models stand on a side, confidences and accuracies come
            from different numbers of models, the references are never right on a split, there is
            no split, the confidence is out of range, or `published_epsilon` refuses the values.
    """
    ours, theirs = paired_confidences(unlearned, retrained, least=4)
    for name, values, right in (
        ("unlearned", ours, unlearned_accuracies),
        ("retrained", theirs, reference_accuracies),
    ):
        if right.retain.size != values.shape[0]:
            raise ValueError(
                f"The {name} confidences and accuracies must come from the same models, not "
                f"{values.shape[0]} and {right.retain.size}."
            )
    if min(reference_accuracies.retain.max(), reference_accuracies.test.max()) == 0:
        raise ValueError("The references are never right on a split, so its ratio has no meaning.")
    if splits < 1:
        raise ValueError(f"The number of splits must be 1 or more, not {splits}.")

    n = ours.shape[0]
    quality = forgetting_quality(published_epsilon(ours, theirs), n)
    ratios = [
        _ratio(mine, base, confidence=confidence)
        for mine, base in (
            (unlearned_accuracies.retain, reference_accuracies.retain),
            (unlearned_accuracies.test, reference_accuracies.test),
        )
    ]
    both, rerun = _halved(ours, theirs, unlearned_accuracies, reference_accuracies, seed=seed, splits=splits)
    score = quality * ratios[0].estimate * ratios[1].estimate
    of_quality = math.sqrt(float(np.mean(both.quality**2)) / 2)
    relative = _relative_error(rerun) if score else 0.0
    return Uncertainty(
        forgetting_quality=multiplicative_interval(
            quality, of_quality, degrees=splits, confidence=confidence, most=1.0
        ),
        retain_ratio=ratios[0],
        test_ratio=ratios[1],
        score=multiplicative_interval(score, _relative_error(both), degrees=splits, confidence=confidence),
        rerun_standard_deviation=relative * score,
        rerun_relative=relative,
    )


def _relative_error(differences: _Differences) -> float:
    """Return the relative standard deviation of the score at full size."""
    utility = (differences.retain + differences.test) / math.sqrt(2)
    return math.sqrt(float(np.mean((differences.quality + utility) ** 2)) / 2)


def _halved(
    ours: FloatArray,
    theirs: FloatArray,
    our_accuracies: Accuracies,
    their_accuracies: Accuracies,
    *,
    seed: int,
    splits: int,
) -> tuple[_Differences, _Differences]:
    """Return the differences of halves that share nothing, and of halves that share references.

    Each has two pairs for every split. Of an odd number of models one is left out.
    """
    rng = np.random.default_rng(seed)
    n, m = ours.shape[0], theirs.shape[0]
    quality = np.empty((splits, 2, 2))
    right = np.empty((splits, 2, 2, 2))  # split, retain or test, ours or theirs, half
    for split in range(splits):
        ours_half = rng.permutation(n)[: n - n % 2].reshape(2, -1)
        theirs_half = rng.permutation(m)[: m - m % 2].reshape(2, -1)
        for i, j in np.ndindex(2, 2):
            epsilon = published_epsilon(ours[ours_half[i]], theirs[theirs_half[j]])
            quality[split, i, j] = forgetting_quality(epsilon, n)
        right[split, :, 0] = _means(our_accuracies, ours_half)
        right[split, :, 1] = _means(their_accuracies, theirs_half)

    parts_right = right / np.maximum(right.mean(axis=(0, 3), keepdims=True), np.finfo(np.float64).tiny)
    of_ours, of_theirs = (parts_right[:, :, side, 0] - parts_right[:, :, side, 1] for side in (0, 1))
    # A ratio varies as its two means do; in the crossed pair theirs are exchanged.
    apart = np.stack([of_ours - of_theirs, of_ours + of_theirs], axis=-1)
    alone = np.stack([of_ours, of_ours], axis=-1)
    diagonals = np.stack([quality[:, 0, 0] - quality[:, 1, 1], quality[:, 0, 1] - quality[:, 1, 0]], axis=-1)
    both, rerun = (
        _Differences(
            quality=_relative(of_quality, mean=float(quality.mean())).ravel(),
            retain=of_right[:, 0].ravel(),
            test=of_right[:, 1].ravel(),
        )
        for of_quality, of_right in ((diagonals, apart), (quality[:, 0] - quality[:, 1], alone))
    )
    return both, rerun


def _relative(differences: FloatArray, *, mean: float) -> FloatArray:
    """Return the differences as parts of the mean of F.

    Where no half earns a point, though perhaps the whole did, all of F is in doubt: then
    they are such that the relative standard deviation is 1.
    """
    return differences / mean if mean > 0 else np.full_like(differences, math.sqrt(2))


def _means(accuracies: Accuracies, halves: CountArray) -> FloatArray:
    """Return the mean retain and test accuracy of each half. Shape [2, 2]."""
    return np.stack([accuracies.retain[halves].mean(axis=1), accuracies.test[halves].mean(axis=1)])


def _ratio(ours: FloatArray, theirs: FloatArray, *, confidence: float) -> Interval:
    """Return the ratio of the means with the error of its delete-one jackknife."""
    estimate = float(ours.mean() / theirs.mean())
    variance = 0.0
    for without_one in (
        (ours.sum() - ours) / (ours.size - 1) / theirs.mean(),
        ours.mean() / np.maximum((theirs.sum() - theirs) / (theirs.size - 1), np.finfo(np.float64).tiny),
    ):
        count = without_one.size
        variance += (count - 1) / count * float(np.square(without_one - without_one.mean()).sum())
    degrees = min(ours.size, theirs.size) - 1
    return additive_interval(estimate, math.sqrt(variance), degrees=degrees, confidence=confidence)
