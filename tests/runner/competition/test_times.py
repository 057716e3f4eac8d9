"""Local times and days: summer time, half-hour zones, AoE, skipped midnights and a skipped day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.competition.times import day_of, full_minute, local_text, moment, time_zone

ZONES = (
    "AoE",
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/Havana",
    "Pacific/Apia",
    "Australia/Lord_Howe",
)


local = datetime.fromisoformat


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("zone", "time", "expected"),
    [
        ("UTC", local("2026-12-01T09:00"), utc(2026, 12, 1, 9)),
        ("Europe/Berlin", local("2026-12-01T09:00"), utc(2026, 12, 1, 8)),
        ("Europe/Berlin", local("2026-07-01T09:00"), utc(2026, 7, 1, 7)),
        ("Asia/Kolkata", local("2026-12-01T00:00"), utc(2026, 11, 30, 18, 30)),
        ("AoE", local("2026-12-01T00:00"), utc(2026, 12, 1, 12)),
        ("aoe", local("2026-12-01T00:00"), utc(2026, 12, 1, 12)),
    ],
)
def test_a_local_time_is_one_moment(zone: str, time: datetime, expected: datetime) -> None:
    """Half-hour zones and AoE among them."""
    assert moment(time, time_zone(zone)) == expected


@pytest.mark.parametrize(
    ("time", "problem"),
    [
        (local("2026-03-29T02:30"), "clocks skip"),
        (local("2026-10-25T02:30"), "clocks show .* twice"),
        (datetime(2026, 12, 1, tzinfo=UTC), "has an offset"),
        (local("0001-01-01"), "out of range"),
        (local("9999-12-31T23:59"), "out of range"),
    ],
)
def test_a_local_time_that_is_none_or_two_is_refused(time: datetime, problem: str) -> None:
    """A deadline that is ambiguous would be disputed."""
    zone = "Europe/Berlin" if time.year != 9999 else "America/New_York"
    with pytest.raises(ValueError, match=problem):
        moment(time, time_zone(zone))


@pytest.mark.parametrize(
    "name", ["", "Nowhere", "Europe", "../etc/passwd", "/etc/localtime", "UTC+1", "a\0b"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    """Folders and paths of the database among them."""
    with pytest.raises(ValueError, match="there is no time zone"):
        time_zone(name)


@pytest.mark.parametrize(
    ("zone", "now", "start", "hours"),
    [
        ("Europe/Berlin", utc(2026, 3, 29, 12), utc(2026, 3, 28, 23), 23),
        ("Europe/Berlin", utc(2026, 10, 25, 12), utc(2026, 10, 24, 22), 25),
        ("Asia/Kolkata", utc(2026, 11, 30, 18, 30), utc(2026, 11, 30, 18, 30), 24),
        ("AoE", utc(2026, 12, 1, 11, 59), utc(2026, 11, 30, 12), 24),
        ("Australia/Lord_Howe", utc(2026, 10, 4, 0), utc(2026, 10, 3, 13, 30), 23.5),
        # Clocks in Havana go from 00:00 to 01:00, and from 01:00 back to 00:00.
        ("America/Havana", utc(2026, 3, 8, 12), utc(2026, 3, 8, 5), 23),
        ("America/Havana", utc(2026, 11, 1, 12), utc(2026, 11, 1, 4), 25),
        # Apia has skipped 30 December 2011: the 29th is followed by the 31st.
        ("Pacific/Apia", utc(2011, 12, 30, 9, 59), utc(2011, 12, 29, 10), 24),
        ("Pacific/Apia", utc(2011, 12, 30, 10), utc(2011, 12, 30, 10), 24),
    ],
)
def test_a_day_has_the_hours_that_its_zone_gives_it(
    zone: str, now: datetime, start: datetime, hours: float
) -> None:
    """23, 24, 25 hours and the half hour of Lord Howe."""
    day = day_of(now, time_zone(zone))
    assert (day.start, day.end - day.start) == (start, timedelta(hours=hours))


@given(
    zone=st.sampled_from(ZONES),
    now=st.datetimes(local("1990-01-01T00:00"), local("2037-01-01T00:00"), timezones=st.just(UTC)),
)
def test_days_cover_all_time_without_overlap(zone: str, now: datetime) -> None:
    """A moment is in its day, and the day after begins where the day ends."""
    day = day_of(now, time_zone(zone))
    assert day.start <= now < day.end
    after = day_of(day.end, time_zone(zone))
    assert after.start == day.end
    assert day_of(day.end - timedelta(microseconds=1), time_zone(zone)) == day


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (1e-6, 1), (1, 1), (59.999999, 1), (60, 1)])
def test_a_minute_is_not_shown_before_its_time(seconds: float, minutes: int) -> None:
    """A text without seconds, from when on something is possible, is never too early."""
    at = utc(2026, 12, 1, 23) + timedelta(minutes=59)
    assert full_minute(at + timedelta(seconds=seconds)) == at + timedelta(minutes=minutes)


def test_a_moment_is_shown_with_its_offset() -> None:
    """So that nobody has to know whether it is summer there."""
    at = utc(2026, 12, 1, 8)
    assert local_text(at, time_zone("Europe/Berlin")) == "2026-12-01 09:00 UTC+01:00"
    assert local_text(at, time_zone("Asia/Kolkata")) == "2026-12-01 13:30 UTC+05:30"
    assert local_text(at, time_zone("UTC")) == "2026-12-01 08:00 UTC"
    assert local_text(at, time_zone("AoE")) == "2026-11-30 20:00 AoE (UTC-12:00)"
