"""How large the forgetting quality of fresh retrainings may be by chance.

The interval of the ceiling does not answer this: it excludes one honest set of retrainings in twenty.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from scoring.published.epsilon import quality_of_samples
from scoring.published.sorted_models import SortedModels
from scoring.samples import paired_confidences
from scoring.statistics.ceiling import REPETITIONS, Ceiling

MIN_PART = 24
"""Minimum size of a part of the references at which the ceiling holds; smaller parts show too low an F."""

REARRANGEMENTS = 49
"""Number of random assignments of labels that stand in for a ceiling."""

MAX_EXAMPLES = 64
"""Maximum number of examples that are evaluated for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityPrediction:
    """F of unlearned models, compared with that of as many fresh retrainings."""

    ratio: float
    """F divided by the (geometric) mean F of fresh retrainings, on the examples that were evaluated."""

    limit: float
    """The ratio that fresh retrainings exceed with probability `level`."""

    level: float
    """One-sided level of the limit."""

    p_value: float
    """Probability of a ratio at least as large, in [0, 1]."""


def predict_quality(
    unlearned: ArrayLike,
    retrained: ArrayLike,
    *,
    quality: float,
    limit: Ceiling | None,
    level: float,
    seed: int,
) -> QualityPrediction | None:
    """Return F of the unlearned models with the prediction limit for fresh retrainings.

    Where the parts that the ceiling was measured on have 24 models or more, it is the expected F; log F has
    the ceiling's spread and its own error, both from 16 divisions, and Student's t. Otherwise
    labels are exchanged at random 49 times, and F of these gives mean and deviation of log F: exact but
    for the assumption of a normal log F, whatever the numbers of models.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        quality: F of all examples.
        limit: The ceiling of these references at n, with the default number of repetitions, if there is one.
        level: One-sided level of the limit, in (0, 1).
        seed: Seed of the random assignments.

    Returns:
        None if F of retrainings may be 0, so that it has no relative deviation.

    Raises:
        ValueError: as in `scoring.published.epsilon.published_epsilon`.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    n = len(unlearned)
    if limit is not None and min(limit.sizes) >= MIN_PART:
        expected, deviation = limit.quality.estimate, limit.quality.standard_error
        degrees = REPETITIONS - 1
        if expected <= 0 or deviation <= 0:
            return None
        centre, relative = math.log(expected), deviation / expected
    else:
        examples = unlearned.shape[1]
        some = np.linspace(0, examples - 1, min(examples, MAX_EXAMPLES)).astype(np.intp)
        pool = SortedModels(np.concatenate([unlearned, retrained])[:, some])
        rng = np.random.default_rng(seed)
        orders = [np.arange(len(pool)), *(rng.permutation(len(pool)) for _ in range(REARRANGEMENTS))]
        qualities = np.array([quality_of_samples(pool.samples(order[:n], order[n:]), n) for order in orders])
        quality, others = float(qualities[0]), qualities[1:]
        if others.min() <= 0 or np.ptp(others) == 0:
            return None
        logs, degrees = np.log(others), REARRANGEMENTS - 1
        centre, relative = float(logs.mean()), float(logs.std(ddof=1) * math.sqrt(1 + 1 / REARRANGEMENTS))
    ratio = quality / math.exp(centre)
    standardised = (math.log(quality) - centre) / relative if quality > 0 else -math.inf
    return QualityPrediction(
        ratio=ratio,
        limit=math.exp(float(stdtrit(degrees, 1 - level)) * relative),
        level=level,
        p_value=float(stdtr(degrees, -standardised)),
    )
