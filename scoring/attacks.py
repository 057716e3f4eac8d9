"""Which decision rules does the published attack try, and what does each take in?

A rule is known here by how many members of each sample it takes in, written as one
integer, its *code*::

    code = (peaky taken in) * (others + 1) + (others taken in)

Codes subtract: what lies in [l, r] is what lies at or below r, less what lies below l.
So every rule is a difference of two entries of one cumulative table over the pooled,
sorted sample, and no array of rules x models ever exists. With N models on each side an
example costs 160 000 subtractions and lookups instead of 160 000 x 2N comparisons.
"""

from typing import NamedTuple

import numpy as np

from scoring.arrays import CountArray, FloatArray

THRESHOLDS_PER_UNIT = 100
"""Density of every grid of thresholds, per unit of confidence."""

BUFFER = 2.0
"""How far the double threshold's grids reach beyond the peaky sample's edges."""

_LEFT_THRESHOLDS = int(np.ceil(2 * BUFFER * THRESHOLDS_PER_UNIT))
_BINS = 1 << 14
"""Of the lookup table for left thresholds: fine enough to hold few pooled samples each."""


class PooledSample(NamedTuple):
    """Two samples in one sorted sequence that knows who came from where."""

    values: FloatArray
    """All confidences, ascending. Shape [peaky + others]."""

    codes: CountArray
    """Entry i is the code of the i smallest values. Shape [peaky + others + 1]."""


def pool(peaky: FloatArray, others: FloatArray) -> PooledSample:
    """Return the pooled sample of the two, each of shape [models].

    The order within a tie is arbitrary and never seen: a threshold takes in all of a tie
    or nothing of it.
    """
    values = np.concatenate([peaky, others])
    order = np.argsort(values)
    weights = np.where(order < peaky.size, others.size + 1, 1)
    return PooledSample(values=values[order], codes=np.concatenate([[0], np.cumsum(weights)]).astype(np.intp))


def single_threshold_codes(pooled: PooledSample) -> CountArray:
    """Return the code of what lies at or above each single threshold.

    The thresholds are ``linspace(min, max, ceil(100 * (max - min)))`` over the pooled
    range, in float64. (The published code lets torch pick float32 for this one grid; it
    differs only for a sample within rounding of a grid point.) A range under 0.01 leaves
    the one threshold ``min``, and a range of zero none at all.

    Returns:
        Shape [thresholds], one code for the rule "positive when f >= t".
    """
    values, codes = pooled
    count = int(np.ceil((values[-1] - values[0]) * THRESHOLDS_PER_UNIT))
    thresholds = np.linspace(values[0], values[-1], count)
    above: CountArray = codes[-1] - codes[np.searchsorted(values, thresholds, side="left")]
    return above


def double_threshold_codes(pooled: PooledSample, *, low: float, high: float) -> CountArray:
    """Return the code of what lies in [l, r], for each pair of the published grid.

    With ``w = high - low``, r runs over ``linspace(low + w - 2, high + 2, ceil(100 *
    span))`` and for each r, l runs over ``linspace(r - w - 2, r - w + 2, 400)``. The span
    is 4 but for rounding, which decides whether there are 400 or 401 right thresholds; the
    order of the additions below is the published one, so that it rounds alike.

    Args:
        pooled: The two samples.
        low: Minimum of the peaky sample.
        high: Maximum of the peaky sample.

    Returns:
        Shape [400, right thresholds]. Where l > r (possible if w < 2) nothing lies
        between, and the difference of codes is zero or negative: read negative as 0.
    """
    values, codes = pooled
    width = high - low
    first, last = low + width - BUFFER, high + BUFFER
    right = np.linspace(first, last, int(np.ceil((last - first) * THRESHOLDS_PER_UNIT)))
    left = np.linspace(right - width - BUFFER, right - width + BUFFER, _LEFT_THRESHOLDS)
    up_to_right = codes[np.searchsorted(values, right, side="right")]
    between: CountArray = up_to_right - _codes_below(pooled, left)
    return between


def _codes_below(pooled: PooledSample, thresholds: FloatArray) -> CountArray:
    """Return ``codes[searchsorted(values, thresholds)]``, several times faster.

    Thresholds and values are put in the same narrow bins by the same function, which never
    decreases. So a value in a lower bin than a threshold is smaller, one in a higher bin
    is larger, and only thresholds that share their bin with a value are searched for.

    Args:
        pooled: The two samples.
        thresholds: Any shape, at least one.

    Returns:
        The shape of the thresholds: the code of the values strictly below each.
    """
    values, codes = pooled
    lowest, highest = thresholds.min(), thresholds.max()
    scale = _BINS / (highest - lowest) if highest > lowest else 0.0

    bin_of_value = np.clip((values - lowest) * scale, 0, _BINS).astype(np.intp)
    value_count = np.bincount(bin_of_value, minlength=_BINS + 1)
    code_of_bin = codes[np.cumsum(value_count) - value_count]
    code_of_bin[value_count > 0] = -1  # shared: to be searched

    bin_of_threshold = ((thresholds - lowest) * scale).astype(np.intp)
    below: CountArray = code_of_bin.take(bin_of_threshold, mode="clip")
    shared = np.nonzero(below < 0)
    below[shared] = codes[np.searchsorted(values, thresholds[shared], side="left")]
    return below
