"""The contest's epsilon of each forget example, and the forgetting quality F."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import CountArray, FloatArray, real_array
from scoring.published.attacks import PooledSample, best_double_threshold
from scoring.published.batches import (
    EntryTable,
    best_double_thresholds,
    best_single_thresholds,
    entry_table,
    pool_examples,
)
from scoring.published.rules import epsilon_of_rules
from scoring.published.sorted_models import SortedModels, SortedSamples
from scoring.samples import paired_confidences

EPSILON_CAP = 50.0
"""Maximum epsilon of an example; it means that the two samples are perfectly separated."""

PEAKY_RATIO = 0.01
"""An example gets the cap if the range of one sample is below this fraction of the other's range."""

_BATCH = 1024
"""Number of examples that are processed together; it affects speed and memory only."""

BIN_WIDTH = 0.5
"""Width in nats of the bins of epsilon; each bin earns half the points of the previous one."""


def published_epsilon(unlearned: ArrayLike, retrained: ArrayLike) -> FloatArray:
    """Return the epsilon of each forget example by the published metric, in nats.

    This is the largest epsilon of any rule of two families (see `scoring.published.batches` and
    `scoring.published.attacks` for the grids, `scoring.published.rules` for the epsilon of one
    rule), capped at 50. The decisions, in the order in which they apply to an example:

    * **Both ranges zero** (the published code divides 0 by 0): equal constants give 0, because
      they cannot be distinguished; different constants are perfectly separated and give 50.
    * **Peaky**: if the smaller range is under 1 % of the larger, epsilon is 50, whatever the values
      are. A constant sample and a varying one are such a case.
    * **Single thresholds** predict "positive" at or above t, never below. The positive
      sample is the one with the larger median: the retrained sample only if its median is strictly
      larger, so a tie of medians makes the unlearned sample positive. Only this direction is tried.
    * **Double thresholds** predict "peaky" inside [l, r]. The peaky sample is the one with
      the smaller range; on a tie of ranges it is the one that is *not* positive.
    * **No surviving rule** (the published code stops): possible if both ranges are so
      small that the grids step over them. Then, as for constants, samples that do not
      overlap give 50 and others give 0.

    The two samples may differ in size; each rate is divided by its own sample's size.
    With N models on each side no finite value exceeds log(N - 1). Values agree with
    those of the published code up to its float32 rates, about 1e-6.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Returns:
        Shape [examples], in [0, 50]. The memory needed beyond the inputs is about six times theirs, some
        megabytes, and two tables of (n + 1) x (m + 1) numbers.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN, infinite or more than 10 000 from zero.

    Source:
        `compute_forget_score_from_confs` and `_get_epsilons` in
        google-deepmind/unlearning_evaluation at ffae0ff, with its assertion fixed.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    n, m = len(unlearned), len(retrained)
    models = SortedModels(np.concatenate([unlearned, retrained]))
    return epsilon_of_samples(models.samples(np.arange(n), np.arange(n, n + m)))


def epsilon_of_samples(samples: SortedSamples, *, only_bins: bool = False) -> FloatArray:
    """Return the epsilon of each example, as `published_epsilon` does, from sorted confidences.

    Args:
        samples: The unlearned and the retrained sample, finite and within 10 000 of zero, each of two models
            or more.
        only_bins: Whether each epsilon is rounded down to the start of its bin, which is all that
            `forgetting_quality` depends on. Then far fewer rules are tried, because most differ by less.

    Returns:
        Shape [examples], in [0, 50].
    """
    values, is_unlearned = samples
    unlearned_at, retrained_at = (
        np.flatnonzero(of_side).reshape(len(values), -1) for of_side in (is_unlearned, ~is_unlearned)
    )
    retrained_positive = _medians(values, retrained_at) > _medians(values, unlearned_at)
    unlearned_range, retrained_range = (
        values.take(at[:, -1]) - values.take(at[:, 0]) for at in (unlearned_at, retrained_at)
    )
    retrained_peaky = np.where(
        unlearned_range == retrained_range, ~retrained_positive, retrained_range < unlearned_range
    )
    smaller, larger = (
        np.minimum(unlearned_range, retrained_range),
        np.maximum(unlearned_range, retrained_range),
    )
    ratio = np.divide(smaller, larger, out=np.ones_like(larger), where=larger > 0)

    epsilon = np.full(len(values), EPSILON_CAP)
    for peaky_is_retrained in (False, True):
        chosen = np.flatnonzero((ratio >= PEAKY_RATIO) & (retrained_peaky == peaky_is_retrained))
        chosen = chosen[np.argsort(smaller[chosen])]  # examples of similar width have similarly many cells
        for first in range(0, chosen.size, _BATCH):
            batch = chosen[first : first + _BATCH]
            epsilon[batch] = _epsilon_of_examples(
                values[batch],
                is_unlearned[batch] ^ peaky_is_retrained,
                peaky_is_positive=retrained_positive[batch] == peaky_is_retrained,
                only_bins=only_bins,
            )
    capped: FloatArray = np.minimum(epsilon, EPSILON_CAP)
    return capped


def forgetting_quality(epsilon: ArrayLike, n: int) -> float:
    """Return F, the mean over the forget examples of H(epsilon), in [0, 1].

    H is 1, 1/2, 1/4, ... for epsilon in [0, 0.5), [0.5, 1), [1, 1.5), ..., and 0 beyond
    the last bin, so it is 0 for a capped or infinite epsilon. There are ``2 * ceil(log(n - 1))``
    bins for n unlearned models, whatever the number of references: 14 for n = 512
    (the report states 13, which gives the same scores, because with 512 models on each side no finite
    epsilon exceeds 6.24). Two consequences of this formula:

    * n = 2 has no bin, so F is 0 for every epsilon; n = 3 has two;
    * other n have other bins, and a smaller n cannot show a large epsilon at all: compare
      F only at equal n.

    Args:
        epsilon: Epsilon of each example, in nats, zero or more, may be infinite. Shape [examples].
        n: Number of unlearned models behind each epsilon, 2 or more.

    Raises:
        ValueError: there are no examples, an epsilon is negative or NaN, or n is below 2.

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


def quality_of_samples(samples: SortedSamples, n: int) -> float:
    """Return the `forgetting_quality` of two samples with the bins of n unlearned models."""
    return forgetting_quality(epsilon_of_samples(samples, only_bins=True), n)


def _medians(values: FloatArray, at: CountArray) -> FloatArray:
    """Return the median of each row of ascending values, as `numpy.median` does, to the last bit.

    Args:
        values: Any array that contains them.
        at: Their positions in the flat array. Shape [examples, models].
    """
    size = at.shape[1]
    middle = values.take(at[:, (size - 1) // 2 : size // 2 + 1].T)
    median: FloatArray = middle[0] if size % 2 else middle.mean(axis=0)
    return median


@lru_cache(maxsize=4)  # one for each sample as the peaky one, of epsilon and of bins
def _table(*, peaky: int, others: int, only_bins: bool = False) -> EntryTable:
    """Return the epsilon of every code, with -inf for discarded rules; the arrays are read-only.

    Args:
        peaky: Size of the peaky sample.
        others: Size of the other sample.
        only_bins: Whether each epsilon is rounded down to the start of its bin. The largest of some rules is
            then that of the same rules, rounded down.
    """
    fnr, fpr = np.meshgrid(np.arange(peaky, -1, -1) / peaky, np.arange(others + 1) / others, indexing="ij")
    epsilon = epsilon_of_rules(fpr.ravel(), fnr.ravel())
    if only_bins:
        epsilon = np.floor(epsilon / BIN_WIDTH) * BIN_WIDTH
    return entry_table(np.where(np.isnan(epsilon), -np.inf, epsilon), others=others)


def _epsilon_of_examples(
    values: FloatArray,
    is_peaky: NDArray[np.bool_],
    *,
    peaky_is_positive: NDArray[np.bool_],
    only_bins: bool,
) -> FloatArray:
    """Return the largest epsilon of any rule for each example, infinite if a rule never errs.

    Args:
        values: Confidences of both samples, ascending. Shape [examples, models].
        is_peaky: Whether each is of the sample that double thresholds try to enclose. Same shape.
        peaky_is_positive: Whether single thresholds expect the peaky sample above them. Shape [examples].
        only_bins: Whether each epsilon is rounded down to the start of its bin.
    """
    samples = pool_examples(values, is_peaky)
    every, peaky_at = np.arange(len(values)), samples.peaky_at
    low, high = values[every, peaky_at[:, 0]], values[every, peaky_at[:, -1]]
    peaky = peaky_at.shape[1]
    table = _table(peaky=peaky, others=values.shape[1] - peaky, only_bins=only_bins)
    floor = best_single_thresholds(samples, table, peaky_is_positive=peaky_is_positive)
    epsilon, decided = best_double_thresholds(samples, table, floor=floor)
    for example in np.flatnonzero(~decided):
        epsilon[example] = best_double_threshold(
            PooledSample(samples.values[example], samples.codes[example]),
            low=float(low[example]),
            high=float(high[example]),
            table=table.entries,
            floor=float(floor[example]),
        )
    without_rule = epsilon == -np.inf
    if without_rule.any():
        others_at = np.argmin(is_peaky, axis=1), is_peaky.shape[1] - 1 - np.argmin(is_peaky[:, ::-1], axis=1)
        least, most = (values[every, at] for at in others_at)
        epsilon[without_rule] = np.where((low <= most) & (least <= high), 0.0, np.inf)[without_rule]
    return epsilon
