"""Confidence intervals of the published score, over models trained again."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import CountArray, FloatArray
from scoring.published.epsilon import quality_of_samples
from scoring.published.score import Accuracies
from scoring.published.sorted_models import SortedModels
from scoring.samples import paired_confidences
from scoring.statistics.interval import CONFIDENCE, Interval, additive_interval, multiplicative_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """The published score and its parts, each with an interval.

    An interval covers the expectation of its number over fresh sets of n unlearned models and
    m references of the same origin. It does not predict the published metric for more models.
    """

    forgetting_quality: Interval
    """Forgetting quality F."""

    retain_ratio: Interval
    """Mean retain accuracy of the unlearned models over that of the references."""

    test_ratio: Interval
    """Mean test accuracy of the unlearned models over that of the references."""

    score: Interval
    """F times both ratios, not clipped."""

    rerun_standard_deviation: float
    """Standard deviation of the score, in its units, if only the n unlearned models are trained again."""

    rerun_relative: float
    """The same as a fraction of the score; 0 for a score of 0."""


class _Differences(NamedTuple):
    """Differences of two independent halves, as fractions of their mean. Shapes [pairs]."""

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

    Both populations are divided into random halves, which share no model: U1, U2 of the
    unlearned, R1, R2 of the references. So the F of (U1, R1) and (U2, R2) are *independent*, and
    half of their squared difference is an unbiased estimate of the variance of F at half
    the size; the same holds for (U1, R2) and (U2, R1). The pairs (U1, R1) and (U2, R1) share their
    references and give the variance over unlearned models alone, the rerun noise. All
    four are computed for each of several splits and averaged.

    The step from half the size to the full size:

    * **F** keeps its *relative* standard deviation. Epsilon is decided by a few errors in
      the tails, whatever the number of models: simulated from n = 32 to 512 the relative
      deviation of F stays 0.12, 0.14, 0.14, 0.14, 0.15 under a shift of half a sigma, and
      0.28, 0.27, 0.26, 0.25, 0.21 under a shift of one sigma with correlated examples. If epsilon is decided
      by many models (confidences of a few distinct values) the interval is too wide, by up to √2;
      with fewer than about 50 models under a shift it is too narrow, by a fifth at n = 24.
    * **Accuracies** are means, and their differences shrink by √2. The intervals of the single
      ratios come from the delete-one jackknife, which needs no split.

    Models are drawn without replacement, because to a maximum over rules a model drawn
    twice looks like a cluster that can be separated: a bootstrap raises the mean epsilon of the null from
    1.55 to 1.82. Models are drawn, never examples, because all examples share the models.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 4.
        retrained: Confidences under the references. Shape [m, examples], m >= 4.
        unlearned_accuracies: Accuracies of the same unlearned models, in the same order.
        reference_accuracies: Accuracies of the same references, in the same order.
        seed: Seed of the random halves.
        splits: Number of splits, 1 or more; each costs four evaluations of the metric at half size.
        confidence: In (0, 1).

    Raises:
        ValueError: a side has fewer than four models, confidences and accuracies come
            from different numbers of models, the references have no correct answer on a split, the
            number of splits is below 1, the confidence is out of range, or `published_epsilon` refuses
            the values.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained, min_models=4)
    for name, values, accuracies in (
        ("unlearned", unlearned, unlearned_accuracies),
        ("retrained", retrained, reference_accuracies),
    ):
        if accuracies.retain.size != values.shape[0]:
            raise ValueError(
                f"The {name} confidences and accuracies must come from the same models, not "
                f"{values.shape[0]} and {accuracies.retain.size}."
            )
    if min(reference_accuracies.retain.max(), reference_accuracies.test.max()) == 0:
        raise ValueError("The references have no correct answer on a split, so its ratio is undefined.")
    if splits < 1:
        raise ValueError(f"The number of splits must be 1 or more, not {splits}.")

    n, m = unlearned.shape[0], retrained.shape[0]
    models = SortedModels(np.concatenate([unlearned, retrained]))
    quality = quality_of_samples(models.samples(np.arange(n), n + np.arange(m)), n)
    ratios = [
        _ratio(numerator, denominator, confidence=confidence)
        for numerator, denominator in (
            (unlearned_accuracies.retain, reference_accuracies.retain),
            (unlearned_accuracies.test, reference_accuracies.test),
        )
    ]
    both, rerun = _halved(models, unlearned_accuracies, reference_accuracies, seed=seed, splits=splits)
    score = quality * ratios[0].estimate * ratios[1].estimate
    of_quality = math.sqrt(float(np.mean(both.quality**2)) / 2)
    relative = _relative_error(rerun) if score else 0.0
    return Uncertainty(
        forgetting_quality=multiplicative_interval(
            quality, of_quality, degrees=splits, confidence=confidence, maximum=1.0
        ),
        retain_ratio=ratios[0],
        test_ratio=ratios[1],
        score=multiplicative_interval(score, _relative_error(both), degrees=splits, confidence=confidence),
        rerun_standard_deviation=relative * score,
        rerun_relative=relative,
    )


def _relative_error(differences: _Differences) -> float:
    """Return the relative standard deviation of the score at the full size."""
    utility = (differences.retain + differences.test) / math.sqrt(2)
    return math.sqrt(float(np.mean((differences.quality + utility) ** 2)) / 2)


def _halved(
    models: SortedModels,
    unlearned_accuracies: Accuracies,
    reference_accuracies: Accuracies,
    *,
    seed: int,
    splits: int,
) -> tuple[_Differences, _Differences]:
    """Return the differences of halves that share no model, and of halves that share their references.

    Both contain two pairs for every split. If the number of models is odd, one model is left out.

    Args:
        models: The unlearned models, followed by the references.
        unlearned_accuracies: Of the unlearned models.
        reference_accuracies: Of the references.
        seed: Seed of the random halves.
        splits: Number of splits.
    """
    rng = np.random.default_rng(seed)
    n, m = unlearned_accuracies.retain.size, reference_accuracies.retain.size
    quality = np.empty((splits, 2, 2))
    accuracy = np.empty((splits, 2, 2, 2))  # split, retain or test, unlearned or reference, half
    for split in range(splits):
        unlearned_halves = rng.permutation(n)[: n - n % 2].reshape(2, -1)
        retrained_halves = rng.permutation(m)[: m - m % 2].reshape(2, -1)
        for i, j in np.ndindex(2, 2):
            halves = models.samples(unlearned_halves[i], n + retrained_halves[j])
            quality[split, i, j] = quality_of_samples(halves, n)
        accuracy[split, :, 0] = _means(unlearned_accuracies, unlearned_halves)
        accuracy[split, :, 1] = _means(reference_accuracies, retrained_halves)

    relative = accuracy / np.maximum(accuracy.mean(axis=(0, 3), keepdims=True), np.finfo(np.float64).tiny)
    of_unlearned, of_retrained = (relative[:, :, side, 0] - relative[:, :, side, 1] for side in (0, 1))
    # A ratio varies with its two means; in the crossed pair the halves of the references are exchanged.
    apart = np.stack([of_unlearned - of_retrained, of_unlearned + of_retrained], axis=-1)
    alone = np.stack([of_unlearned, of_unlearned], axis=-1)
    diagonals = np.stack([quality[:, 0, 0] - quality[:, 1, 1], quality[:, 0, 1] - quality[:, 1, 0]], axis=-1)
    both, rerun = (
        _Differences(
            quality=_relative(of_quality, mean=float(quality.mean())).ravel(),
            retain=of_accuracy[:, 0].ravel(),
            test=of_accuracy[:, 1].ravel(),
        )
        for of_quality, of_accuracy in ((diagonals, apart), (quality[:, 0] - quality[:, 1], alone))
    )
    return both, rerun


def _relative(differences: FloatArray, *, mean: float) -> FloatArray:
    """Return the differences as fractions of the mean of F.

    If no half earns a point, although all models together may, then all of F is in doubt: the
    result is chosen so that the relative standard deviation is 1.
    """
    return differences / mean if mean > 0 else np.full_like(differences, math.sqrt(2))


def _means(accuracies: Accuracies, halves: CountArray) -> FloatArray:
    """Return the mean retain and test accuracy of each half. Shape [2, 2]."""
    return np.stack([accuracies.retain[halves].mean(axis=1), accuracies.test[halves].mean(axis=1)])


def _ratio(unlearned: FloatArray, retrained: FloatArray, *, confidence: float) -> Interval:
    """Return the ratio of the means with the standard error of its delete-one jackknife."""
    estimate = float(unlearned.mean() / retrained.mean())
    variance = 0.0
    for leave_one_out in (
        (unlearned.sum() - unlearned) / (unlearned.size - 1) / retrained.mean(),
        unlearned.mean()
        / np.maximum((retrained.sum() - retrained) / (retrained.size - 1), np.finfo(np.float64).tiny),
    ):
        count = leave_one_out.size
        variance += (count - 1) / count * float(np.square(leave_one_out - leave_one_out.mean()).sum())
    degrees = min(unlearned.size, retrained.size) - 1
    return additive_interval(estimate, math.sqrt(variance), degrees=degrees, confidence=confidence)
