"""The queue: priorities first, teams take turns by machine time, and nobody is lost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.competition.queue_order import Waiting, places, queue_order

START = datetime(2026, 12, 1, tzinfo=UTC)


def waiting(number: int, team: str, *, priority: int = 100, minute: int = 0, seconds: float = 60) -> Waiting:
    received = START + timedelta(minutes=minute)
    return Waiting(id=number, team=team, priority=priority, received=received, seconds=seconds)


def ids(order: list[Waiting]) -> list[int]:
    return [entry.id for entry in order]


def test_one_team_cannot_fill_the_queue() -> None:
    """Twenty entries of one team, then one of another, which is second."""
    many = [waiting(number, "many", minute=number) for number in range(20)]
    order = queue_order([*many, waiting(99, "one", minute=50)], {})
    assert ids(order)[:3] == [0, 99, 1]


def test_a_team_that_has_used_more_comes_later() -> None:
    """Whenever it handed in; equal teams stand by time of receipt, then by number."""
    entries = [waiting(1, "a", minute=0), waiting(2, "b", minute=5), waiting(3, "c", minute=5)]
    assert ids(queue_order(entries, {"a": 100.0})) == [2, 3, 1]


def test_priority_decides_first_and_its_time_counts_later() -> None:
    """A final goes before all practice, and what it takes is its team's."""
    entries = [
        waiting(1, "a", priority=200),
        waiting(2, "b", priority=200, minute=1),
        waiting(3, "a", priority=1, minute=9),
    ]
    assert ids(queue_order(entries, {})) == [3, 2, 1]


def test_long_entries_are_weighed_by_their_time() -> None:
    """Two short entries of one team come before the second long one of another."""
    entries = [waiting(1, "long", seconds=100), waiting(2, "long", seconds=100)]
    entries += [waiting(number, "short", seconds=40, minute=1) for number in (3, 4, 5)]
    assert ids(queue_order(entries, {})) == [1, 3, 4, 5, 2]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.integers(0, 99), st.floats(0, 100)),
        max_size=40,
    )
)
def test_every_entry_stands_in_the_order_once(rows: list[tuple[str, int, int, float]]) -> None:
    """In each team and priority by time of receipt, and within a priority no team is far ahead."""
    entries = [
        waiting(number, team, priority=priority, minute=minute, seconds=seconds)
        for number, (team, priority, minute, seconds) in enumerate(rows)
    ]
    order = queue_order(entries, {})
    assert sorted(ids(order)) == sorted(ids(entries))
    assert order == queue_order(entries[::-1], {})
    assert [entry.priority for entry in order] == sorted(entry.priority for entry in order)
    for team in "abcd":
        for priority in range(4):
            own = [entry.received for entry in order if (entry.team, entry.priority) == (team, priority)]
            assert own == sorted(own)


def test_places_tell_when_a_device_is_free() -> None:
    """Two devices, one busy for a while."""
    order = queue_order([waiting(number, str(number), minute=number) for number in range(3)], {})
    assert [(place.position, place.starts_in) for place in places(order, [0.0, 100.0])] == [
        (1, 0.0),
        (2, 60.0),
        (3, 100.0),
    ]
    assert Counter(place.entry.id for place in places(order, [5.0])) == Counter(range(3))
    with pytest.raises(ValueError, match="at least one device"):
        places(order, [])
