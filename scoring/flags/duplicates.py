"""Are some checkpoints the same one again, or a reference handed in?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray
from scoring.samples import paired_confidences

NEARNESS = 0.1
"""Two rows are nearly equal if closer than this part of the closest two different references."""

LEAST_EXAMPLES = 5
"""With fewer varied examples chance brings rows together, and only equal rows count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Unlearned checkpoints that are, but for a trifle, each other."""

    groups: tuple[tuple[int, ...], ...]
    """Positions of checkpoints that belong together, two or more in each, ascending."""

    equal: int
    """How many checkpoints equal another in every confidence, to the last bit."""

    tolerance: float
    """Distance below which others were joined: root mean square, in deviations of the references."""

    @property
    def sentence(self) -> str:
        """What was seen, in one sentence."""
        members = sum(len(group) for group in self.groups)
        pair = f"{self.groups[0][0]} and {self.groups[0][1]}"
        if self.equal == members:
            return f"{members} checkpoints equal another to the last bit, as {pair} do."
        if self.equal:
            return f"{members} checkpoints equal another ({self.equal}) or hardly differ from one, as {pair}."
        return (
            f"{members} checkpoints hardly differ from another, as {pair}: by less than a tenth of what "
            "the two closest references do."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Unlearned checkpoints that are, but for a trifle, references."""

    pairs: tuple[tuple[int, int], ...]
    """Positions of an unlearned checkpoint and its closest reference, by checkpoint."""

    equal: int
    """How many of the pairs agree in every confidence, to the last bit."""

    tolerance: float
    """Distance below which the others count: root mean square, in deviations of the references."""

    @property
    def sentence(self) -> str:
        """What was seen, in one sentence."""
        return (
            f"{len(self.pairs)} checkpoints are references ({self.equal} to the last bit): checkpoint "
            f"{self.pairs[0][0]} is reference {self.pairs[0][1]}."
        )


def find_duplicates(unlearned: ArrayLike, retrained: ArrayLike) -> tuple[Duplicates | Copies, ...]:
    """Return which checkpoints are equal or nearly equal to each other or to references.

    *Equal* is equal in every confidence. *Nearly equal* is closer than a tenth of the closest
    two references that differ: independent checkpoints are not so close, however the examples depend
    on each other, once five of them vary. A copy with more noise than that is not seen.
    Decisions:

    * examples on which the references are constant say nothing of nearness, and where they are
      constant on all, equality says nothing either: then there is no finding;
    * references may equal each other by chance, where confidences are coarse or saturated: the
      runs must do so in more than twice the proportion, or there is no finding.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Returns:
        None, one or both findings.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than two models
            stand on a side, or a value is NaN, infinite or beyond 10 000 either way.
    """
    ours, theirs = paired_confidences(unlearned, retrained)
    varied = np.ptp(theirs, axis=0) > 0
    if not varied.any():
        return ()
    same_ours, same_theirs = _equal_rows(ours), _equal_rows(theirs)
    by_chance = 2 * sum(len(group) for group in same_theirs.values() if len(group) > 1) / len(theirs)

    deviation = theirs[:, varied].std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    kinds = [group[0] for group in same_theirs.values()]
    scaled_ours, scaled_theirs = ours[:, varied] / scale, theirs[:, varied] / scale
    references = scaled_theirs[kinds]
    tolerance = 0.0
    if varied.sum() >= LEAST_EXAMPLES and len(kinds) > 1:
        tolerance = NEARNESS * min(
            float(_distances(references[i], references[i + 1 :]).min()) for i in range(len(kinds) - 1)
        )

    findings: list[Duplicates | Copies] = []
    groups = _joined(scaled_ours, list(same_ours.values()), tolerance)
    if sum(len(group) for group in groups) / len(ours) > by_chance:
        equal = sum(len(group) for group in same_ours.values() if len(group) > 1)
        findings.append(Duplicates(groups=tuple(groups), equal=equal, tolerance=tolerance))
    pairs: list[tuple[int, int]] = []
    equal = 0
    for row, members in same_ours.items():
        if row in same_theirs:
            pairs += [(ours_i, same_theirs[row][0]) for ours_i in members]
            equal += len(members)
            continue
        distances = _distances(scaled_ours[members[0]], references)
        closest = int(distances.argmin())
        if distances[closest] < tolerance:
            pairs += [(ours_i, kinds[closest]) for ours_i in members]
    if len(pairs) / len(ours) > by_chance:
        findings.append(Copies(pairs=tuple(sorted(pairs)), equal=equal, tolerance=tolerance))
    return tuple(findings)


def _equal_rows(values: FloatArray) -> dict[bytes, list[int]]:
    """Return the positions of each different row, by its content; 0.0 and -0.0 are equal."""
    positions: dict[bytes, list[int]] = {}
    for i, row in enumerate(values + 0.0):
        positions.setdefault(row.tobytes(), []).append(i)
    return positions


def _distances(row: FloatArray, rows: FloatArray) -> FloatArray:
    """Return the root mean square difference between one row and each of the others."""
    difference = rows - row
    distances: FloatArray = np.sqrt(np.einsum("ij,ij->i", difference, difference) / row.size)
    return distances


def _joined(values: FloatArray, groups: list[list[int]], tolerance: float) -> list[tuple[int, ...]]:
    """Return the groups of two and more after joining all that are linked by nearness."""
    first = values[[group[0] for group in groups]]
    label = np.arange(len(groups))
    for i in range(len(groups) - 1):
        near = i + 1 + np.flatnonzero(_distances(first[i], first[i + 1 :]) < tolerance)
        if near.size:
            label[np.isin(label, label[near])] = label[i]
    merged: dict[int, list[int]] = {}
    for group, of in zip(groups, label.tolist(), strict=True):
        merged.setdefault(of, []).extend(group)
    return sorted(tuple(sorted(group)) for group in merged.values() if len(group) > 1)
