"""Finals: who takes part, and how several challenges decide together; solved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.competition.final import Contender, FinalResult, final_entries, standings
from runner.competition.load import load_competition
from runner.competition.metrics import METRICS
from tests.runner.competition.conftest import CompetitionFolder

START = datetime(2026, 12, 1, tzinfo=UTC)


def contender(entry: int, team: str, score: float) -> Contender:
    return Contender(entry=entry, team=team, score=score, received=START + timedelta(hours=entry))


CONTENDERS = [
    contender(1, "alpha", 0.1),
    contender(2, "alpha", 0.3),
    contender(3, "alpha", 0.3),
    contender(4, "beta", 0.2),
    contender(5, "beta", -0.2),
]


@pytest.mark.parametrize(
    ("choices", "per_team", "expected"),
    [
        ({}, 1, [2, 4]),
        ({}, 2, [2, 3, 4, 5]),
        ({"alpha": {1}}, 1, [1, 4]),
        ({"alpha": {1, 3}}, 2, [1, 3, 4, 5]),
        ({"alpha": {9}}, 1, [4]),  # disqualified since
        ({"alpha": set()}, 1, [4]),  # it takes no part
        ({"gamma": {1}}, 1, [2, 4]),  # another team's entry
    ],
)
def test_chosen_entries_or_the_best(choices: Any, per_team: int, expected: list[int]) -> None:
    """Of a team without a choice the best, of equal ones the earlier; a choice is never replaced."""
    selected = final_entries(reversed(CONTENDERS), choices, per_team)
    assert [entry.entry for entry in selected] == expected


def placed(*rows: tuple[str, tuple[float | None, ...]], **rule: Any) -> list[tuple[int, Any, int | None]]:
    results = [
        FinalResult(entry=number, team=team, values=values)
        for number, (team, values) in enumerate(rows, start=1)
    ]
    rule = {"combine": "mean", "weights": None, "higher_is_better": True, **rule}
    return [(each.entry, each.combined, each.rank) for each in standings(results, **rule)]


A, B, C = ("a", (1.0, 0.0)), ("b", (0.5, 0.6)), ("c", (0.5, 0.25))


def test_the_mean() -> None:
    """Weighted or not, and in either direction."""
    assert placed(A, B, C) == [(2, 0.55, 1), (1, 0.5, 2), (3, 0.375, 3)]
    assert placed(A, B, C, weights=[3, 1]) == [(1, 0.75, 1), (2, 0.525, 2), (3, 0.4375, 3)]
    assert placed(A, B, C, higher_is_better=False) == [(3, 0.375, 1), (1, 0.5, 2), (2, 0.55, 3)]


def test_the_mean_of_ranks() -> None:
    """Equal values share the mean of their ranks; a scale has no influence; lower ranks are better."""
    rule: dict[str, Any] = {"combine": "mean-rank"}
    expected = [(2, 1.75, 1), (1, 2.0, 2), (3, 2.25, 3)]
    assert placed(A, B, C, **rule) == expected
    assert placed(*((team, (1000 * one, two)) for team, (one, two) in (A, B, C)), **rule) == expected
    assert placed(A, B, C, higher_is_better=False, **rule) == [(3, 1.75, 1), (1, 2.0, 2), (2, 2.25, 3)]
    assert placed(A, B, C, weights=[3, 1], **rule) == [(1, 1.5, 1), (2, 2.125, 2), (3, 2.375, 3)]


def test_who_lacks_a_value_stands_nowhere() -> None:
    """And does not change the ranks of the others; nor does a value that is no number."""
    nothing, half, strange = ("d", (None, None)), ("e", (9.0, None)), ("f", (float("nan"), 9.0))
    for combine in ("mean", "mean-rank"):
        ranked = placed(A, B, C, nothing, half, strange, combine=combine)
        assert ranked[:3] == placed(A, B, C, combine=combine)
        assert ranked[3:] == [(4, None, None), (5, None, None), (6, None, None)]
    assert placed() == []
    assert placed(nothing, combine="mean-rank") == [(1, None, None)]


def test_the_best_entry_of_a_team_counts() -> None:
    """Its others are listed without a rank; equal teams share one, and the next rank is skipped."""
    rows = [("a", (0.9,)), ("a", (0.8,)), ("b", (0.9,)), ("c", (0.7,))]
    assert [(entry, rank) for entry, _, rank in placed(*rows)] == [(1, 1), (3, 1), (2, None), (4, 3)]


@pytest.mark.parametrize("metric", ["scores", "published.score", "", "flags"])
def test_an_unknown_metric_is_refused(competition: CompetitionFolder, metric: str, problem: Any) -> None:
    """The sentence lists the metrics there are; each of these is accepted."""
    final = competition.phase("final")["final"]
    final["metric"] = metric
    assert "score" in problem()
    for name in METRICS:
        final["metric"] = name
        assert load_competition(competition.write()).phase("final").final is not None
