"""How far can unlearned models be told from retrained ones, as the contest measured it?"""

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import CountArray, FloatArray, real_array
from scoring.published.attacks import best_double_threshold, pool, single_threshold_codes
from scoring.published.rules import epsilon_of_rules
from scoring.samples import paired_confidences

EPSILON_CAP = 50.0
"""The largest epsilon that an example is given; it stands for "told apart at once"."""

PEAKY_RATIO = 0.01
"""An example is given the cap if one sample's range is below this part of the other's."""

BIN_WIDTH = 0.5
"""Width in nats of the bins of epsilon; each earns half the points of the one before."""


def published_epsilon(unlearned: ArrayLike, retrained: ArrayLike) -> FloatArray:
    """Return the epsilon of each forget example by the published metric, in nats.

    It is the largest epsilon of any rule of two families (see `scoring.published.attacks` for the
    grids, `scoring.published.rules` for the epsilon of one rule), capped at 50. Decisions, in the
    order in which they apply to an example:

    * **Both ranges zero** (the published code divides 0 by 0): equal constants give 0, for
      there is nothing to tell apart; different constants are perfectly separated and give 50.
    * **Peaky**: if the smaller range is under 1 % of the larger, 50, whatever the values
      are. One constant sample beside a varying one is such a case.
    * **Single thresholds** predict "positive" at or above t, never below. The positive
      sample is the one with the larger median: the retrained only if strictly larger, so a
      tie of medians makes the unlearned positive. One direction only.
    * **Double thresholds** predict "peaky" inside [l, r]. The peaky sample is the one with
      the smaller range; on a tie of ranges it is the one that is *not* positive.
    * **No surviving rule** (the published code stops): possible where both ranges are so
      small that the grids step over them. Then, as for constants, samples that do not
      overlap give 50 and others 0.

    The two samples need not be equally many; each rate divides by its own sample's size.
    With N models on each side no finite value exceeds log(N - 1). Values agree with the
    published code's up to its float32 rates, about 1e-6.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Returns:
        Shape [examples], in [0, 50]. Memory beyond the inputs is a copy of them, some
        megabytes, and a table of (n + 1) x (m + 1) numbers.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than two models
            stand on a side, or a value is NaN, infinite or beyond 10 000 either way.

    Source:
        `compute_forget_score_from_confs` and `_get_epsilons` in
        google-deepmind/unlearning_evaluation at ffae0ff, its assertion repaired.
    """
    ours, theirs = paired_confidences(unlearned, retrained)
    theirs_positive = np.median(theirs, axis=0) > np.median(ours, axis=0)
    ours_range, theirs_range = np.ptp(ours, axis=0), np.ptp(theirs, axis=0)
    theirs_peaky = np.where(ours_range == theirs_range, ~theirs_positive, theirs_range < ours_range)
    smaller, larger = np.minimum(ours_range, theirs_range), np.maximum(ours_range, theirs_range)
    ratio = np.divide(smaller, larger, out=np.ones_like(larger), where=larger > 0)

    ours_table = _table(peaky=ours.shape[0], others=theirs.shape[0])
    theirs_table = (
        ours_table if ours.shape == theirs.shape else _table(peaky=theirs.shape[0], others=ours.shape[0])
    )
    epsilon = np.full(ours.shape[1], EPSILON_CAP)
    for example in np.flatnonzero(ratio >= PEAKY_RATIO):
        columns = (np.ascontiguousarray(ours[:, example]), np.ascontiguousarray(theirs[:, example]))
        peaky, others = columns[::-1] if theirs_peaky[example] else columns
        epsilon[example] = _epsilon_of_example(
            peaky,
            others,
            peaky_is_positive=bool(theirs_peaky[example] == theirs_positive[example]),
            table=theirs_table if theirs_peaky[example] else ours_table,
        )
    capped: FloatArray = np.minimum(epsilon, EPSILON_CAP)
    return capped


def forgetting_quality(epsilon: ArrayLike, n: int) -> float:
    """Return F, the mean over the forget examples of H(epsilon), in [0, 1].

    H is 1, 1/2, 1/4, ... for epsilon in [0, 0.5), [0.5, 1), [1, 1.5), ..., and 0 beyond
    the last bin, so also for a capped or infinite epsilon. There are ``2 * ceil(log(n - 1))``
    bins for n unlearned models, even if the references are more or fewer: 14 for n = 512
    (the report says 13, which scores alike, since with 512 models on each side no finite
    epsilon exceeds 6.24).
    Decisions that follow from this formula:

    * n = 2 has no bin, so F is 0 whatever epsilon is; n = 3 has two;
    * other n have other bins, and a smaller n cannot show a large epsilon at all: compare
      F only at equal n.

    Args:
        epsilon: Of each example, in nats, zero or more, infinity allowed. Shape [examples].
        n: Number of unlearned models behind each epsilon, 2 or more.

    Raises:
        ValueError: there is no example, an epsilon is negative or NaN, or n is below 2.

    Source:
        `compute_forget_score_from_confs` in google-deepmind/unlearning_evaluation at
        ffae0ff.
    """
    if n < 2:
        raise ValueError(f"The number of unlearned models must be 2 or more, not {n}.")
    values = real_array(epsilon, name="Epsilon").astype(np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"Epsilon must have shape [examples], not empty, not {values.shape}.")
    if not (values >= 0).all():
        raise ValueError("Every epsilon must be zero or more, but one is negative or NaN.")
    bins = int(np.ceil(np.log(n - 1)) / BIN_WIDTH)
    position = np.floor(values / BIN_WIDTH)
    return float(np.where(position < bins, np.exp2(-position), 0.0).mean())


def _table(*, peaky: int, others: int) -> FloatArray:
    """Return the epsilon of every code, with -inf for those to be discarded.

    Args:
        peaky: Size of the peaky sample.
        others: Size of the other sample.

    Returns:
        Shape [(peaky + 1) * (others + 1)], to be indexed by code.
    """
    fnr, fpr = np.meshgrid(np.arange(peaky, -1, -1) / peaky, np.arange(others + 1) / others, indexing="ij")
    epsilon = epsilon_of_rules(fpr.ravel(), fnr.ravel())
    return np.where(np.isnan(epsilon), -np.inf, epsilon)


def _epsilon_of_example(
    peaky: FloatArray, others: FloatArray, *, peaky_is_positive: bool, table: FloatArray
) -> float:
    """Return the largest epsilon of any rule for one example, infinite if perfect.

    Args:
        peaky: Confidences of the sample that double thresholds try to enclose. Shape [models].
        others: Confidences of the other sample. Shape [models].
        peaky_is_positive: Whether single thresholds expect the peaky sample above them.
        table: Epsilon of each code, as `_table` returns it.
    """
    low, high = float(peaky.min()), float(peaky.max())
    pooled = pool(peaky, others)
    single: CountArray = single_threshold_codes(pooled)
    if not peaky_is_positive:
        # "Others at or above t" errs exactly as "peaky below t" does, with the rates swapped.
        single = pooled.codes[-1] - single
    largest = best_double_threshold(
        pooled, low=low, high=high, table=table, floor=float(table[single].max(initial=-np.inf))
    )
    if largest > -np.inf:
        return largest
    overlap = low <= float(others.max()) and float(others.min()) <= high
    return 0.0 if overlap else np.inf
