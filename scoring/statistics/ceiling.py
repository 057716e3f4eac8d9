"""The ceiling: the forgetting quality of perfect unlearning, measured on the references alone."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray
from scoring.published.epsilon import epsilon_of_samples, quality_of_samples
from scoring.published.sorted_models import SortedModels
from scoring.samples import paired_confidences
from scoring.statistics.interval import CONFIDENCE, Interval, multiplicative_interval

REPETITIONS = 16
"""Default number of random divisions of the references, at each of two sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The forgetting quality F of models that were retrained without the forget set."""

    n: int
    """Number of unlearned models that the ceiling applies to."""

    sizes: tuple[int, int]
    """Models in the two parts of the references that were compared with each other."""

    quality: Interval
    """F of one submission of n perfectly unlearned models.

    The interval covers the F of one such submission, not only the mean F of many: it includes both the
    error of the ceiling and the spread of a single F, and so does its `standard_error`.
    """

    standard_error: float
    """Standard error of the ceiling itself, `quality.estimate`, as a mean over submissions."""

    spread: float
    """Standard deviation of F from one perfect submission to the next."""

    drift: float
    """Correction for the parts being smaller than n models and all references; often 0."""


def ceiling(
    retrained: ArrayLike,
    n: int,
    *,
    seed: int,
    repetitions: int = REPETITIONS,
    confidence: float = CONFIDENCE,
) -> Ceiling:
    """Return the forgetting quality that the published metric gives the references against themselves.

    The references are divided at random into two parts whose sizes are in the ratio n : m
    (halves for n = m), one part plays the unlearned models, and F is computed *with the bins of n*;
    this is repeated. The parts may stand for the whole because the epsilon of two samples of one
    distribution is decided by a few errors in the tails, whatever the number of models.
    Simulated at the bins of n = 512, F at sizes 32, 64, 128, 256, 512 is
    0.185, 0.182, 0.189, 0.186, 0.185 for standard normals, and for Student's t with 3
    degrees 0.192, 0.195, 0.203, 0.208, 0.210. From the halves to the whole that is 1 %.

    The remaining drift with size is measured: the same computation at half those sizes gives the
    change per doubling, which is extrapolated to the full sizes, times ``max(0, 1 - (2 * error /
    change)²)``: a change within two of its standard errors counts as noise and is left out.

    Given the pool of references, the F of the parts are independent. They spread like the F of
    fresh models, because the metric depends on little more than ranks.

    Args:
        retrained: Confidences under the references. Shape [m, examples], m >= 4.
        n: Number of unlearned models, 2 or more.
        seed: Seed of the random divisions.
        repetitions: Number of divisions at each of the two sizes, 2 or more.
        confidence: Confidence of `Ceiling.quality`, in (0, 1).

    Raises:
        ValueError: there are fewer than four references, n or the repetitions are fewer than
            two, the confidence is out of range, or `published_epsilon` refuses the values.
    """
    values, _ = paired_confidences(retrained, retrained)
    m = values.shape[0]
    if m < 4:
        raise ValueError(f"A ceiling needs four or more references, not {m}.")
    if n < 2:
        raise ValueError(f"The number of unlearned models must be 2 or more, not {n}.")
    if repetitions < 2:
        raise ValueError(f"A ceiling needs two or more repetitions, not {repetitions}.")

    rng, models = np.random.default_rng(seed), SortedModels(values)
    sizes = _sizes(m, n)
    parts = _qualities(rng, models, sizes, n=n, repetitions=repetitions)
    estimate, spread = float(parts.mean()), float(parts.std(ddof=1))
    variance, drift = spread**2 / repetitions, 0.0
    doublings = max(math.log2(n * m / (sizes[0] * sizes[1])) / 2, 0.0)
    smaller = sizes[0] // 2, sizes[1] // 2
    if min(smaller) >= 2 and doublings > 0:
        of_smaller = _qualities(rng, models, smaller, n=n, repetitions=repetitions)
        change = estimate - float(of_smaller.mean())
        variance_of_smaller = float(of_smaller.var(ddof=1)) / repetitions
        noise = 4 * (variance + variance_of_smaller)
        shrinkage = max(0.0, 1 - noise / change**2) if change else 0.0
        if shrinkage:
            drift = float(np.clip(shrinkage * doublings * change, -estimate / 2, 1 - estimate))
            # The error of the full extrapolation, because the shrinkage is random too.
            variance = (1 + doublings) ** 2 * variance + doublings**2 * variance_of_smaller
    estimate += drift

    error_of_single = math.sqrt(spread**2 + variance)
    return Ceiling(
        n=n,
        sizes=sizes,
        quality=multiplicative_interval(
            estimate,
            error_of_single / estimate if estimate else 0.0,
            degrees=repetitions - 1,
            confidence=confidence,
            maximum=1.0,
        ),
        standard_error=math.sqrt(variance),
        spread=spread,
        drift=drift,
    )


def share_of_ceiling(
    quality: Interval, limit: Ceiling, *, degrees: float = 16, confidence: float = CONFIDENCE
) -> Interval:
    """Return F / ceiling with an interval that includes both the error of F and that of the ceiling.

    For perfect unlearning the interval contains 1 about as often as the confidence states. A share above 1
    is luck, or the unlearned models vary more than the references do.

    Args:
        quality: F with its standard error, as `scoring.statistics.uncertainty` returns it.
        limit: The ceiling at the same n.
        degrees: Degrees of freedom of both errors: the smaller of splits and repetitions.
        confidence: In (0, 1).

    Raises:
        ValueError: the ceiling is zero, so that no share of it is defined, or the confidence is out
            of range.
    """
    top = limit.quality.estimate
    if top == 0:
        raise ValueError("The ceiling is zero, so no share of it is defined.")
    own = quality.standard_error / quality.estimate if quality.estimate else 0.0
    relative = math.hypot(own, limit.standard_error / top)
    return multiplicative_interval(quality.estimate / top, relative, degrees=degrees, confidence=confidence)


def reference_epsilons(retrained: ArrayLike, n: int, *, seed: int, repetitions: int = 2) -> FloatArray:
    """Return epsilons of the references against themselves: what perfect unlearning looks like.

    They are divided as for the `ceiling`, whose F is the mean of H over such values.

    Args:
        retrained: Confidences under the references. Shape [m, examples], m >= 4.
        n: Number of unlearned models, 2 or more.
        seed: Seed of the random divisions.
        repetitions: Number of divisions, 1 or more.

    Returns:
        Shape [repetitions, examples], in nats, in [0, 50].

    Raises:
        ValueError: there are fewer than four references, or n or the repetitions are too few.
    """
    values, _ = paired_confidences(retrained, retrained)
    m = values.shape[0]
    if m < 4 or n < 2 or repetitions < 1:
        raise ValueError(
            f"Epsilons of references need four of them, two models and a repetition, not {m}, {n} and "
            f"{repetitions}."
        )
    rng, (first, _second) = np.random.default_rng(seed), _sizes(m, n)
    models, orders = SortedModels(values), [rng.permutation(m) for _ in range(repetitions)]
    return np.stack([epsilon_of_samples(models.samples(order[:first], order[first:])) for order in orders])


def _sizes(m: int, n: int) -> tuple[int, int]:
    """Return the sizes of two parts of m references that stand for n unlearned models and m references."""
    first = min(max(round(m * n / (n + m)), 2), m - 2)
    return first, m - first


def _qualities(
    rng: np.random.Generator, models: SortedModels, sizes: tuple[int, int], *, n: int, repetitions: int
) -> FloatArray:
    """Return F of random disjoint parts of these sizes, with the bins of n. Shape [repetitions]."""
    qualities = np.empty(repetitions)
    for repetition in range(repetitions):
        order = rng.permutation(len(models))
        parts = models.samples(order[: sizes[0]], order[sizes[0] : sizes[0] + sizes[1]])
        qualities[repetition] = quality_of_samples(parts, n)
    return qualities
