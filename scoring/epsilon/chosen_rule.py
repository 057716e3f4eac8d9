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
    values that it was not chosen on; half-lines are included. A tie is never divided. Of several such rules
    the one with the lowest upper edge is returned, and of these the one with the lowest lower edge.

    Args:
        unlearned: Shape [n, examples].
        retrained: Shape [m, examples].
        worth: Worth of expecting the unlearned sample inside (first) and the retrained one (second), by
            the numbers of unlearned and of retrained members inside. Shape [2, n + 1, m + 1].
    """
    examples = unlearned.shape[1]
    unlearned_code = retrained.shape[0] + 1
    only_changes = _is_strict(worth)
    best = np.maximum(worth[0], worth[1]).ravel()
    unlearned_inside = (worth[0] >= worth[1]).ravel()
    low, high = np.empty(examples), np.empty(examples)
    role = np.empty(examples, dtype=np.bool_)
    for example in range(examples):
        values, codes = pool(unlearned[:, example], retrained[:, example])
        cut = np.flatnonzero(np.diff(values)) + 1
        if only_changes:
            cut = cut[_divides_sides(np.diff(codes[cut], prepend=0, append=codes[-1]), unlearned_code)]
        halfway = values[cut - 1] + (values[cut] - values[cut - 1]) / 2
        edge = np.concatenate([[-np.inf], np.minimum(halfway, np.nextafter(values[cut], -np.inf)), [np.inf]])
        below = np.concatenate([[0], codes[cut], codes[-1:]])
        inside = np.subtract.outer(below, below)  # by upper and lower edge; negative means none
        upper, lower = divmod(int(best.take(inside, mode="clip").argmax()), edge.size)
        low[example], high[example] = edge[lower], edge[upper]
        role[example] = unlearned_inside[max(int(inside[upper, lower]), 0)]
    return ChosenRules(low=low, high=high, unlearned_inside=role)


def _is_strict(worth: FloatArray) -> bool:
    """Return whether each role's worth rises with each member of its side inside, and falls with each other.

    Worth below that of the empty rule does not matter: no chosen rule has it.
    """
    empty = worth[:, 0, 0].max()
    for w in (worth[0].T, worth[1]):  # falls along the first axis, rises along the second
        falls = (w[1:] < w[:-1]) | (w[1:] < empty)
        rises = (w[:, 1:] > w[:, :-1]) | (w[:, :-1] < empty)
        if not (falls.all() and rises.all()):
            return False
    return True


def _divides_sides(content: CountArray, unlearned_code: int) -> NDArray[np.bool_]:
    """Return for each cut between distinct values whether a rule of the largest worth may end there.

    Between two values of one and the same side it may not, if worth is strict: if that side is expected
    inside, the interval is worth more with the next value beyond its end, and otherwise without the
    last one before it (an interval with nothing else inside is then worth less than the empty one). So no
    rule of the largest worth is lost, and the first of them is the same.

    Args:
        content: Code (`scoring.published.attacks`) of all members equal to each distinct value. Shape
            [values].
        unlearned_code: Code of one unlearned member; codes below it are of retrained members alone.

    Returns:
        Shape [values - 1].
    """
    unlearned, retrained = content % unlearned_code == 0, content < unlearned_code
    divides: NDArray[np.bool_] = ~(unlearned[1:] & unlearned[:-1] | retrained[1:] & retrained[:-1])
    return divides


def count_inside(rules: ChosenRules, sample: FloatArray) -> CountArray:
    """Return the number of members inside each rule, of a sample of shape [models, examples]."""
    inside: CountArray = ((rules.low < sample) & (sample <= rules.high)).sum(axis=0)
    return inside
