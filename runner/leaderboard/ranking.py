"""Groups of ranks: contiguous in score, so wide that no rank pretends to a difference within the noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from scoring.statistics.halves import HalvedScore, paired_difference

_Item = TypeVar("_Item")


class Ranks(NamedTuple):
    """The ranks that the rows of a group share, from 1."""

    first: int
    last: int


def rank_groups(rows: Sequence[_Item], is_better: Callable[[_Item, _Item], bool]) -> list[Ranks]:
    """Return the ranks of each row.

    A new group starts at the first row that is told apart from the best of its group. So each row is compared
    once, and rows of one group may differ from each other although neither differs from the best.

    Args:
        rows: The best first.
        is_better: Whether the first is told apart from the second, which stands below it.
    """
    starts: list[int] = []
    for at, row in enumerate(rows):
        if not starts or is_better(rows[starts[-1]], row):
            starts.append(at)
    ends = [*starts[1:], len(rows)]
    return [
        Ranks(first=start + 1, last=end)
        for start, end in zip(starts, ends, strict=bool(starts))
        for _ in range(start, end)
    ]


def is_told_apart(better: HalvedScore | None, worse: HalvedScore | None) -> bool:
    """Return whether the 95 % interval of the paired difference of two scores lies above zero.

    Scores without halves, or on different numbers of them, are not told apart: nothing is known of the noise.
    """
    if better is None or worse is None or better.halves.shape != worse.halves.shape:
        return False
    return paired_difference(better, worse).low > 0
