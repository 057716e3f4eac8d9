"""Flags: checkpoints that are copies of each other, or of references."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import FloatArray
from scoring.samples import paired_confidences

NEARNESS = 0.1
"""Two rows are nearly equal if closer than this fraction of the minimum distance of two references; two
unlearned ones only if closer than this fraction of their own side's median distance too."""

ALWAYS_NEAR = 0.001
"""Fraction of the minimum distance of two references below which two unlearned rows are nearly equal in any
case. Fine-tuning of one network, whose checkpoints are all close, has not come below a hundredth."""

END_OF_SCALE = (103.6, 103.63)
"""Confidences this far from zero are at the end of their scale, 103.617, whatever the logits are. Diverged
networks that differ in every weight had all their confidences there."""

MIN_EXAMPLES = 5
"""With fewer varying examples rows are close by chance, so only equal rows count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Unlearned checkpoints that are copies of each other, exact ones or nearly.

    All checkpoints of a method that changes the original network little are close to each other, so near ones
    are compared with the side's own distances too.
    """

    groups: tuple[tuple[int, ...], ...]
    """Positions of the checkpoints of each group of copies, two or more, ascending."""

    equal: int
    """Number of checkpoints that equal another one in every confidence, to the last bit."""

    tolerance: float
    """Distance below which two checkpoints are joined: root mean square, in deviations of the references."""

    @property
    def sentence(self) -> str:
        """The observation in one sentence."""
        members = sum(len(group) for group in self.groups)
        pair = f"(for example {self.groups[0][0]} and {self.groups[0][1]})"
        if self.equal == members:
            return f"{members} checkpoints are exact copies of another checkpoint {pair}."
        if self.equal:
            return f"{members} checkpoints are copies of another one, {self.equal} of them exact {pair}."
        return (
            f"{members} checkpoints are nearly copies of another checkpoint {pair}: closer than "
            f"{self.tolerance:.2g} deviations of the references, a tenth of what is usual or less."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Unlearned checkpoints that are copies, or nearly, of references."""

    pairs: tuple[tuple[int, int], ...]
    """Positions of an unlearned checkpoint and its closest reference, by checkpoint."""

    equal: int
    """Number of pairs that agree in every confidence, to the last bit."""

    tolerance: float
    """Distance below which the other pairs count: root mean square, in deviations of the references."""

    @property
    def sentence(self) -> str:
        """The observation in one sentence."""
        return (
            f"{len(self.pairs)} checkpoints are copies of references, {self.equal} of them exact (for "
            f"example, checkpoint {self.pairs[0][0]} is reference {self.pairs[0][1]})."
        )


def find_duplicates(unlearned: ArrayLike, retrained: ArrayLike) -> tuple[Duplicates | Copies, ...]:
    """Return the checkpoints that are equal or nearly equal to each other or to references.

    *Equal* means equal in every confidence. *Nearly equal* means closer than a tenth of the distance of
    the closest two references that differ: independent checkpoints are not so close, whatever the
    dependence between examples, if at least five examples vary. Two unlearned checkpoints must be closer
    than a tenth of their own side's median distance too, or than a thousandth of that of the two references.
    A copy with more noise than that is not detected. Decisions:

    * examples on which the references are constant carry no information on distance, and if they are
      constant on all examples, equality carries none either: then there is no flag;
    * of checkpoints whose confidences are all at the end of the scale, equality says nothing;
    * references may equal each other by chance, if confidences are coarse or saturated. So the
      proportion of copies among the runs must be more than twice that among the references.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Returns:
        Zero, one or both flags.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN, infinite or more than 10 000 from zero.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    varied = np.ptp(retrained, axis=0) > 0
    if not varied.any():
        return ()
    same_unlearned, same_retrained = _equal_rows(unlearned), _equal_rows(retrained)
    by_chance = 2 * sum(len(group) for group in same_retrained.values() if len(group) > 1) / len(retrained)

    deviation = retrained[:, varied].std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    kinds = [group[0] for group in same_retrained.values()]
    scaled_unlearned, scaled_retrained = unlearned[:, varied] / scale, retrained[:, varied] / scale
    references = scaled_retrained[kinds]
    tolerance = 0.0
    if varied.sum() >= MIN_EXAMPLES and len(kinds) > 1:
        tolerance = NEARNESS * _minimum_distance(references)

    findings: list[Duplicates | Copies] = []
    own = _own_tolerance(scaled_unlearned[[group[0] for group in same_unlearned.values()]], tolerance)
    groups = _joined(scaled_unlearned, list(same_unlearned.values()), own)
    low, high = END_OF_SCALE
    elsewhere = (np.abs(unlearned) < low) | (np.abs(unlearned) > high)
    telling: NDArray[np.bool_] = np.any(elsewhere, axis=1)
    groups = [group for group in groups if telling[list(group)].any()]
    if sum(len(group) for group in groups) / len(unlearned) > by_chance:
        equal = sum(len(group) for group in same_unlearned.values() if len(group) > 1 and telling[group[0]])
        findings.append(Duplicates(groups=tuple(groups), equal=equal, tolerance=own))
    pairs: list[tuple[int, int]] = []
    equal = 0
    first = scaled_unlearned[[members[0] for members in same_unlearned.values()]]
    least = _least_distances(first, references).min(axis=1)
    for (row, members), bound in zip(same_unlearned.items(), least.tolist(), strict=True):
        if row in same_retrained:
            pairs += [(member, same_retrained[row][0]) for member in members]
            equal += len(members)
            continue
        if bound >= tolerance:
            continue
        distances = _distances(scaled_unlearned[members[0]], references)
        closest = int(distances.argmin())
        if distances[closest] < tolerance:
            pairs += [(member, kinds[closest]) for member in members]
    if len(pairs) / len(unlearned) > by_chance:
        findings.append(Copies(pairs=tuple(sorted(pairs)), equal=equal, tolerance=tolerance))
    return tuple(findings)


def _own_tolerance(distinct: FloatArray, tolerance: float) -> float:
    """Return the distance below which two unlearned rows are nearly equal.

    Args:
        distinct: Rows that all differ.
        tolerance: The same for an unlearned row and a reference.
    """
    if len(distinct) < 2 or tolerance == 0:
        return tolerance
    distances = _least_distances(distinct, distinct)[np.triu_indices(len(distinct), k=1)]
    smallest = tolerance * ALWAYS_NEAR / NEARNESS
    return max(smallest, min(tolerance, NEARNESS * float(np.median(distances))))


def _equal_rows(values: FloatArray) -> dict[bytes, list[int]]:
    """Return the positions of each distinct row, by its content; 0.0 and -0.0 are equal."""
    positions: dict[bytes, list[int]] = {}
    for i, row in enumerate(values + 0.0):
        positions.setdefault(row.tobytes(), []).append(i)
    return positions


def _distances(row: FloatArray, rows: FloatArray) -> FloatArray:
    """Return the root mean square difference between a row and each of the rows."""
    difference = rows - row
    distances: FloatArray = np.sqrt(np.einsum("ij,ij->i", difference, difference) / row.size)
    return distances


def _least_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return lower bounds of the `_distances` between rows of two arrays, from one matrix product.

    ``|a|² + |b|² - 2ab`` is the squared distance up to rounding. With sums of k products, in any
    order, the error is at most ``2(k + 4) eps (|a|² + |b|²)``, and that of `_distances`, whose square is
    at most ``2(|a|² + |b|²)``, at most as much again; twice the total is subtracted. So a pair whose bound
    is not below a limit has no distance below it, and only other pairs have to be computed. A bound that is
    not a finite number, after an overflow, is replaced by 0.

    Returns:
        Shape [rows of the first, rows of the second].
    """
    terms = first.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.add.outer(np.einsum("ij,ij->i", first, first), np.einsum("ij,ij->i", second, second))
        error = 8 * (terms + 4) * np.finfo(np.float64).eps * norms
        squares = np.nan_to_num(norms - 2 * (first @ second.T) - error, nan=0.0, posinf=0.0)
    distances: FloatArray = np.sqrt(np.maximum(squares, 0.0) / terms)
    return distances


def _minimum_distance(rows: FloatArray) -> float:
    """Return the minimum distance of two of the rows, of which there are two or more.

    Rows are tried by their lower bounds until the next bound is above the minimum so far.
    """
    bounds = _least_distances(rows, rows)
    bounds[np.tri(len(rows), dtype=np.bool_)] = np.inf
    of_row = bounds.min(axis=1)[:-1]
    minimum = np.inf
    for i in np.argsort(of_row):
        if of_row[i] > minimum:
            break
        minimum = min(minimum, float(_distances(rows[i], rows[i + 1 :]).min()))
    return minimum


def _joined(values: FloatArray, groups: list[list[int]], tolerance: float) -> list[tuple[int, ...]]:
    """Return the groups of two or more, after merging groups that are linked by a small distance."""
    first = values[[group[0] for group in groups]]
    label = np.arange(len(groups))
    may_be_near = np.triu(_least_distances(first, first) < tolerance, k=1)
    for i in np.flatnonzero(may_be_near.any(axis=1)):
        near = i + 1 + np.flatnonzero(_distances(first[i], first[i + 1 :]) < tolerance)
        if near.size:
            label[np.isin(label, label[near])] = label[i]
    merged: dict[int, list[int]] = {}
    for group, group_label in zip(groups, label.tolist(), strict=True):
        merged.setdefault(group_label, []).extend(group)
    return sorted(tuple(sorted(group)) for group in merged.values() if len(group) > 1)
