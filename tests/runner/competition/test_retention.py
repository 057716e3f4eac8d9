"""What is kept of ended entries: by the days of competition.toml, and by what still needs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.competition.competition import Competition
from runner.competition.retention import EndedEntry, end_of, is_past, reasons_to_keep
from runner.competition.states import EntryState
from tests.runner.competition.conftest import CompetitionFolder


def entry(number: int, state: str = "scored", score: float | None = 0.1, **changes: Any) -> EndedEntry:
    values = {"team": "alpha", "phase": "feedback", "source": None, "batch": None, **changes}
    return EndedEntry(entry=number, state=EntryState(state), score=score, **values)


def kept(*entries: EndedEntry, chosen: tuple[int, ...] = ()) -> dict[int, str]:
    return dict(reasons_to_keep(entries, chosen, ["final"]))


def test_the_best_of_a_team_is_kept_in_each_phase() -> None:
    """Of equal ones all: which of them counts, its time of receipt decides."""
    best = "best of its team"
    assert kept(entry(1, score=0.2), entry(2, score=0.1), entry(3, score=0.2)) == {1: best, 3: best}
    assert kept(entry(1, score=0.2), entry(2, score=0.1, team="beta")) == {1: best, 2: best}
    assert kept(entry(1, score=-0.2), entry(2, score=-0.3)) == {1: best}
    assert kept(entry(1), entry(2, score=0.05, phase="practice")) == {1: best, 2: best}


@pytest.mark.parametrize("state", ["failed", "refused", "withdrawn", "late"])
def test_what_is_nobodys_result_is_not_kept(state: str) -> None:
    assert kept(entry(1, state, None)) == {}


@pytest.mark.parametrize("state", ["received", "checking", "queued", "running", "scoring", "held"])
def test_what_has_not_ended_is_kept(state: str) -> None:
    assert kept(entry(1, state, None)) == {1: "not ended"}


def test_what_others_rest_on_is_kept() -> None:
    """Choices, finals, evidence, and both sides of a rejudging, applied or not."""
    best = entry(9, score=0.9)
    assert kept(best, entry(1), chosen=(1,))[1] == "chosen for a final"
    assert kept(best, entry(1), entry(2, phase="final", source=1)) == {
        9: "best of its team",
        1: "in a final",
        2: "in a final",
    }
    assert kept(best, entry(1, "disqualified"))[1] == "disqualified: evidence"
    again = kept(best, entry(1, "superseded"), entry(2, source=1, batch=1))
    assert (again[1], again[2]) == ("judged again", "judged again")
    assert 1 not in kept(best, entry(1, "withdrawn"), chosen=(1,))


def test_days_are_counted_from_the_end_of_the_last_final(competition: CompetitionFolder) -> None:
    """A phase that a final takes entries from ends with that final; without a number nothing is past."""
    competition.fields["retention"] = {"outputs_days": 3}
    loaded = Competition.model_validate(competition.fields)
    feedback, final = loaded.phase("feedback"), loaded.phase("final")
    end = loaded.closes(final)
    assert end_of(loaded, feedback) == end_of(loaded, final) == end > loaded.closes(feedback)
    assert end_of(loaded, loaded.phases[0]) <= end
    late = end + timedelta(days=3)
    assert is_past(loaded, feedback, "outputs", late)
    assert not is_past(loaded, feedback, "outputs", late - timedelta(seconds=1))
    assert not is_past(loaded, feedback, "uploads", datetime(2200, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "retention", [{"outputs": 3}, {"outputs_days": -1}, {"outputs_days": 1.5}, {"outputs_days": "3"}, 3]
)
def test_another_retention_is_refused(competition: CompetitionFolder, retention: Any, problem: Any) -> None:
    """Unknown names, and what is no number of days."""
    competition.fields["retention"] = retention
    assert "retention" in problem()
