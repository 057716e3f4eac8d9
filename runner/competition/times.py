"""Local times of a competition in its one time zone: which moment they are, and where a day begins there.

A day of a zone with summer time has 23, 24 or 25 hours, a clock may skip midnight, and a zone may skip a
whole day. So a day is the interval from the first moment of its date to the first moment of the next.

Source of the zones: the IANA time zone database. ``AoE`` (anywhere on Earth) is UTC-12: a deadline
on a date has passed once no place on Earth has that date any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

AOE: Final = "AoE"
_AOE_ZONE: Final = timezone(timedelta(hours=-12), AOE)


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day of a time zone, as an interval of moments."""

    start: datetime
    """First moment, in UTC."""
    end: datetime
    """First moment of the next day, in UTC."""


def time_zone(name: str) -> tzinfo:
    """Return the zone of a name: ``AoE``, ``UTC`` or one of the IANA database, such as ``Asia/Kolkata``.

    Raises:
        ValueError: there is no such zone.
    """
    if name.casefold() == AOE.casefold():
        return _AOE_ZONE
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:  # unknown, a folder of zones, or no plain name
        raise ValueError(
            f"there is no time zone {name!r}; write AoE, UTC or a name such as Europe/Berlin"
        ) from error


def moment(local: datetime, zone: tzinfo) -> datetime:
    """Return the moment of a local time, in UTC.

    Args:
        local: Without an offset.
        zone: Where it is meant.

    Raises:
        ValueError: it has an offset, or clocks there skip it or show it twice.
    """
    if local.tzinfo is not None:
        raise ValueError(f"{local.isoformat()} has an offset; write a local time of the stated zone")
    try:
        first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        shown = first.astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError(f"{local.isoformat()} is out of range") from error
    if shown != local:
        raise ValueError(f"clocks skip {local.isoformat()} there, at the change of summer time")
    if first != second:
        raise ValueError(f"clocks show {local.isoformat()} twice there, at the change of summer time")
    return first


def day_of(now: datetime, zone: tzinfo) -> Day:
    """Return the day of the zone that a moment lies in.

    Args:
        now: An aware datetime.
        zone: Whose calendar counts.
    """
    today = now.astimezone(zone).date()
    while now < (start := _start(today, zone)):  # where clocks go back over midnight
        today -= timedelta(days=1)
    while now >= (end := _start(today + timedelta(days=1), zone)):
        today += timedelta(days=1)
        start = end
    return Day(start=start, end=end)


def _start(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of a date.

    Of a midnight that is shown twice it is the first; of one that is skipped, the moment of the change, which
    is what the offset before the change gives.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone, fold=0).astimezone(UTC)


def full_minute(at: datetime) -> datetime:
    """Return the first full minute that is not before a moment, for texts without seconds: from then on."""
    minute = at.replace(second=0, microsecond=0)
    return minute if minute == at else minute + timedelta(minutes=1)


def local_text(at: datetime, zone: tzinfo) -> str:
    """Return a moment for people: local time with the zone's offset, ``2026-12-01 09:00 UTC+01:00``."""
    local = at.astimezone(zone)
    offset = local.strftime("%z")
    text = "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:5]}"
    name = f"{AOE} ({text})" if zone is _AOE_ZONE else text
    return f"{local:%Y-%m-%d %H:%M} {name}"
