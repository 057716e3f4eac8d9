"""Noise of finals: combined results on halves, groups of ranks, differences to the first with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from runner.leaderboard.ranking import Ranks, is_told_apart, rank_groups
from scoring.statistics.halves import HalvedScore as HalvedScore  # noqa: PLC0414 - for its readers
from scoring.statistics.halves import paired_difference
from scoring.statistics.interval import CONFIDENCE, Interval, two_sided_quantile

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankNoise:
    """What noise makes of a rank."""

    ranks: Ranks
    """The ranks that its group shares."""
    interval: Interval | None
    """Of the combined result itself; None where its noise is not known."""
    behind: Interval | None
    """How much worse than the first it is, paired, in the unit of the combined result; None of the first, and
    where the noise of one of the two is not known."""


def combined_on_halves(
    results: Sequence[Sequence[HalvedScore]],
    *,
    combine: Literal["mean", "mean-rank"],
    weights: Sequence[float] | None,
    higher_is_better: bool,
) -> list[HalvedScore]:
    """Return the combined result of each entry, from all models and from halves of them.

    Challenges are halved independently, so their halves are combined in the order of the halvings. A mean of
    ranks is that of the ranks among these entries in each half.

    Args:
        results: Of each entry on each challenge, all on as many halves.
        combine: As `runner.competition.final.standings`.
        weights: Of the challenges; None for equal ones.
        higher_is_better: Direction of the metric.
    """
    if not results:
        return []
    values = np.array([[each.value for each in row] for row in results])
    halves = np.array([[each.halves for each in row] for row in results])
    if combine == "mean-rank":
        values, halves = _ranked(values, higher_is_better), _ranked(halves, higher_is_better)
    share = np.ones(values.shape[1]) if weights is None else np.array(weights, dtype=np.float64)
    share /= share.sum()
    whole, parts = np.tensordot(values, share, (1, 0)), np.tensordot(halves, share, (1, 0))
    return [HalvedScore(value=float(value), halves=half) for value, half in zip(whole, parts, strict=True)]


def rank_noise(ordered: Sequence[HalvedScore | None], *, lower_is_better: bool) -> list[RankNoise]:
    """Return the ranks that entries share, and what is known of their noise.

    Args:
        ordered: Combined results, the best first; None where the noise is not known.
        lower_is_better: Direction of the combined result.
    """
    oriented = [_reversed(each) if lower_is_better and each is not None else each for each in ordered]
    groups = rank_groups(oriented, is_told_apart)
    return [
        RankNoise(
            ranks=ranks,
            interval=None if each is None else _own_interval(each),
            behind=_behind(oriented[0], oriented[at]) if at else None,
        )
        for at, (ranks, each) in enumerate(zip(groups, ordered, strict=True))
    ]


def _behind(first: HalvedScore | None, other: HalvedScore | None) -> Interval | None:
    if first is None or other is None or first.halves.shape != other.halves.shape:
        return None
    return paired_difference(first, other)


def _own_interval(score: HalvedScore) -> Interval:
    gaps = score.halves[:, 0] - score.halves[:, 1]
    error = float(np.sqrt((gaps**2).mean() / 2))
    reach = two_sided_quantile(len(gaps), CONFIDENCE) * error
    return Interval(
        estimate=score.value, standard_error=error, low=score.value - reach, high=score.value + reach
    )


def _reversed(score: HalvedScore) -> HalvedScore:
    return HalvedScore(value=-score.value, halves=-score.halves)


def _ranked(values: _Floats, higher_is_better: bool) -> _Floats:
    """Return the rank of each value among the entries, from 1; equal ones share the mean of their ranks."""
    oriented = -values if higher_is_better else values
    better = (oriented[np.newaxis] < oriented[:, np.newaxis]).sum(axis=1)
    equal = (oriented[np.newaxis] == oriented[:, np.newaxis]).sum(axis=1)
    ranks: _Floats = 1 + better + (equal - 1) / 2
    return ranks
