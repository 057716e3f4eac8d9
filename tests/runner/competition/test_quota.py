"""Quotas: counted from outcomes, by the calendar of the competition's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.competition.phase import Quota
from runner.competition.quota import PastEntry, allowance
from runner.competition.states import IN_FLIGHT, EntryState
from runner.competition.times import time_zone

NOON = datetime(2026, 12, 2, 12, tzinfo=UTC)
UTC_ZONE = time_zone("UTC")
S = EntryState


def entries(*states: EntryState, hours_ago: float = 1.0) -> list[PastEntry]:
    return [PastEntry(received=NOON - timedelta(hours=hours_ago), state=state) for state in states]


def test_without_limits_everything_is_accepted() -> None:
    """A missing field is no limit."""
    answer = allowance(Quota(), entries(*[S.SCORED] * 1000), NOON, UTC_ZONE)
    assert (answer.refusal, answer.remaining, answer.resets_at) == (None, None, None)


@pytest.mark.parametrize(
    ("state", "counts"),
    [(state, state in IN_FLIGHT | {S.SCORED, S.DISQUALIFIED, S.SUPERSEDED}) for state in EntryState],
)
def test_what_counts(state: EntryState, counts: bool) -> None:
    """On the way, scored, disqualified, superseded; failed ones apart; a fault of ours never."""
    answer = allowance(Quota(per_day=1, total=1), entries(state), NOON, UTC_ZONE)
    assert (answer.refusal is not None) == counts
    assert answer.remaining == (0 if counts else 1)


@pytest.mark.parametrize("state", [S.FAILED, S.REFUSED])
def test_failed_entries_have_a_limit_of_their_own(state: EntryState) -> None:
    """They use none of the others, and others use none of it."""
    quota = Quota(per_day=5, failed_per_day=2)
    assert allowance(quota, entries(state, S.SCORED, S.HELD), NOON, UTC_ZONE).refusal is None
    answer = allowance(quota, entries(state, state), NOON, UTC_ZONE)
    assert answer.refusal is not None
    assert "2 entries failed today" in answer.refusal
    assert (answer.remaining, answer.resets_at) == (5, datetime(2026, 12, 3, tzinfo=UTC))


def test_a_day_is_the_zones_own() -> None:
    """In India the entry of an hour ago came before midnight, in Berlin it did not."""
    now = datetime(2026, 12, 1, 19, tzinfo=UTC)
    earlier = [PastEntry(received=datetime(2026, 12, 1, 18, tzinfo=UTC), state=S.SCORED)]
    assert allowance(Quota(per_day=1), earlier, now, time_zone("Asia/Kolkata")).refusal is None
    berlin = allowance(Quota(per_day=1), earlier, now, time_zone("Europe/Berlin"))
    assert berlin.refusal == "Today's quota is used: 1 entry."
    assert berlin.resets_at == datetime(2026, 12, 1, 23, tzinfo=UTC)
    aoe = allowance(Quota(per_day=1), earlier, now, time_zone("AoE"))
    assert aoe.resets_at == datetime(2026, 12, 2, 12, tzinfo=UTC)


def test_the_total_is_of_all_days() -> None:
    """And nothing resets it."""
    answer = allowance(Quota(per_day=5, total=2), entries(S.SCORED, S.SCORED, hours_ago=99), NOON, UTC_ZONE)
    assert (answer.remaining, answer.resets_at) == (0, None)
    assert answer.refusal == "The quota of this phase is used: 2 entries."


def test_those_on_the_way_are_limited() -> None:
    """A held one is not on the way: a fault of ours costs nobody a place."""
    quota = Quota(in_flight=2)
    assert allowance(quota, entries(S.QUEUED, S.HELD, S.SCORED), NOON, UTC_ZONE).refusal is None
    answer = allowance(quota, entries(S.QUEUED, S.RUNNING), NOON, UTC_ZONE)
    assert answer.refusal == "2 entries are on the way; hand in the next when one has ended."


def test_entries_are_apart() -> None:
    """The interval counts from the last entry, whatever became of it, unless it was withdrawn or late."""
    quota = Quota(interval_seconds=7200)
    answer = allowance(quota, entries(S.FAILED), NOON, UTC_ZONE)
    assert answer.refusal is not None
    assert answer.resets_at == NOON + timedelta(hours=1)
    assert allowance(quota, entries(S.WITHDRAWN, S.LATE), NOON, UTC_ZONE).refusal is None
    assert allowance(quota, entries(S.FAILED, hours_ago=2), NOON, UTC_ZONE).refusal is None


@given(
    per_day=st.integers(1, 4),
    total=st.integers(1, 6),
    steps=st.lists(
        st.tuples(
            st.integers(0, 40), st.sampled_from([S.SCORED, S.FAILED, S.HELD, S.QUEUED, S.DISQUALIFIED])
        ),
        max_size=30,
    ),
)
def test_no_sequence_of_entries_exceeds_a_quota(
    per_day: int, total: int, steps: list[tuple[int, EntryState]]
) -> None:
    """Whatever becomes of them, at whatever hours they come; `remaining` is what is then accepted."""
    quota, zone, now = Quota(per_day=per_day, total=total), time_zone("Europe/Berlin"), NOON
    accepted: list[PastEntry] = []
    for hours, state in steps:
        now += timedelta(hours=hours)
        answer = allowance(quota, accepted, now, zone)
        assert answer.remaining is not None
        assert (answer.remaining == 0) == (answer.refusal is not None)
        if answer.refusal is None:
            accepted.append(PastEntry(received=now, state=state))
    counting = [one for one in accepted if one.state not in (S.FAILED, S.HELD)]
    assert len(counting) <= total
    days = [one.received.astimezone(zone).date() for one in counting]
    assert all(days.count(day) <= per_day for day in days)
