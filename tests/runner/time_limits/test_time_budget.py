"""No run is started once the time of an evaluation is used up, and none is counted twice."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from runner.time_limits.budget import TimeBudget
from runner.verdict import Verdict

SECONDS = st.lists(st.floats(0, 1e6), max_size=30)


def test_by_hand() -> None:
    """Three runs of 2 s use up 6 s."""
    budget = TimeBudget.of(6.0, [2.0])
    assert not budget.used_up
    assert not budget.after(2.0).used_up
    assert budget.after(2.0).after(2.0).used_up
    assert not budget.used_up, "a budget is a value, which `after` does not change"


@given(SECONDS)
def test_without_a_total_the_budget_is_never_used_up(seconds: list[float]) -> None:
    """However long the runs took."""
    assert not TimeBudget.of(None, seconds).used_up


@given(SECONDS, SECONDS, st.floats(0.01, 1e6))
def test_an_interruption_changes_nothing(before: list[float], later: list[float], total: float) -> None:
    """A budget from the published runs equals one that counted them as they ended."""
    counted = TimeBudget.of(total, before)
    for seconds in later:
        counted = counted.after(seconds)
    resumed = TimeBudget.of(total, before + later)
    assert math.isclose(counted.spent_seconds, resumed.spent_seconds, abs_tol=1e-6)


@given(SECONDS, st.floats(0.01, 1e6))
def test_runs_that_were_not_started_take_no_time(seconds: list[float], total: float) -> None:
    """They are published with 0 s, so publishing them changes no sum."""
    assert TimeBudget.of(total, [*seconds, 0.0, 0.0]) == TimeBudget.of(total, seconds)


def test_the_verdict_on_the_rest_gives_the_reason() -> None:
    """The verdict is `time-limit`, and the detail names the limit of the whole evaluation."""
    judgement = TimeBudget.of(7.5, [8.0]).verdict_on_the_rest()
    assert judgement.verdict is Verdict.TIME_LIMIT
    assert judgement.detail == "not started: the 7.5 s of the whole evaluation were used up"
