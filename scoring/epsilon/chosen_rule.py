"""Choice of the interval of confidences that best separates two samples."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray
from scoring.published.attacks import pool


class ChosenRules(NamedTuple):
    """One rule for each example: one sample is expected in (low, high], the other outside."""

    low: FloatArray
    """Lower edge, itself outside; may be -inf. Shape [examples]."""

    high: FloatArray
    """Upper edge, itself inside; may be inf. Shape [examples]."""

    unlearned_inside: NDArray[np.bool_]
    """Whether the unlearned sample is the one expected inside. Shape [examples]."""


def choose_rules(unlearned: FloatArray, retrained: FloatArray, *, worth: FloatArray) -> ChosenRules:
    """Return for each example the rule of the largest worth, over all intervals and both roles.

    Edges lie halfway between neighbouring values of the pooled sample, so that a rule generalizes to
    values that it was not chosen on; half-lines are included. A tie is never divided.

    Args:
        unlearned: Shape [n, examples].
        retrained: Shape [m, examples].
        worth: Worth of expecting the unlearned sample inside (first) and the retrained one (second), by
            the numbers of unlearned and of retrained members inside. Shape [2, n + 1, m + 1].
    """
    examples = unlearned.shape[1]
    best = np.maximum(worth[0], worth[1]).ravel()
    unlearned_inside = (worth[0] >= worth[1]).ravel()
    low, high = np.empty(examples), np.empty(examples)
    role = np.empty(examples, dtype=np.bool_)
    for example in range(examples):
        values, codes = pool(unlearned[:, example], retrained[:, example])
        cut = np.flatnonzero(np.diff(values)) + 1
        halfway = values[cut - 1] + (values[cut] - values[cut - 1]) / 2
        edge = np.concatenate([[-np.inf], np.minimum(halfway, np.nextafter(values[cut], -np.inf)), [np.inf]])
        below = np.concatenate([[0], codes[cut], codes[-1:]])
        inside = np.subtract.outer(below, below)  # by upper and lower edge; negative means none
        upper, lower = divmod(int(best.take(inside, mode="clip").argmax()), edge.size)
        low[example], high[example] = edge[lower], edge[upper]
        role[example] = unlearned_inside[max(int(inside[upper, lower]), 0)]
    return ChosenRules(low=low, high=high, unlearned_inside=role)


def count_inside(rules: ChosenRules, sample: FloatArray) -> CountArray:
    """Return the number of members inside each rule, of a sample of shape [models, examples]."""
    inside: CountArray = ((rules.low < sample) & (sample <= rules.high)).sum(axis=0)
    return inside
