"""Figures of a competition for a monitoring system, in the text format of Prometheus.

A gauge for each, read anew at every call. Names of teams and files are not among the labels, so whoever may
see the figures learns how many entries there are, and not whose.

Source: "Exposition formats", prometheus.io/docs, version 0.0.4 of the text format.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runner.competition.states import EntryState, is_stuck
from runner.contest.opened import OpenContest
from runner.store.competition.records import CompetitionEntry

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of an answer over HTTP."""
_DAY: Final = timedelta(days=1)
_PREFIX: Final = "unlearn_competition_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A figure that goes up and down, with a value for each set of labels."""

    name: str
    help: str
    values: Sequence[tuple[Mapping[str, str], float]]

    def lines(self) -> Iterable[str]:
        """Return its lines."""
        name = _PREFIX + self.name
        yield f"# HELP {name} {_escaped(self.help)}"
        yield f"# TYPE {name} gauge"
        for labels, value in self.values:
            listed = ",".join(f'{key}="{_escaped_label(text)}"' for key, text in labels.items())
            yield f"{name}{{{listed}}} {value!r}"


def metrics_text(contest: OpenContest, now: datetime) -> str:
    """Return the figures of a competition, as `CONTENT_TYPE` says.

    Args:
        contest: The competition and its store.
        now: The present moment.

    Raises:
        HostNotReadyError: the store cannot be read.
    """
    entries = contest.store.competition_entries(contest.name, with_pending=True)
    disk = shutil.disk_usage(contest.store_folder)
    gauges = competition_gauges(
        contest.name,
        [phase.name for phase in contest.competition.phases],
        entries,
        paused=contest.store.paused_since(contest.name) is not None,
        teams=sum(team.revoked is None for team in contest.store.teams(contest.name)),
        free_bytes=disk.free,
        total_bytes=disk.total,
        now=now,
    )
    return "".join(f"{line}\n" for gauge in gauges for line in gauge.lines())


def competition_gauges(
    name: str,
    phases: Iterable[str],
    entries: Sequence[CompetitionEntry],
    *,
    paused: bool,
    teams: int,
    free_bytes: int,
    total_bytes: int,
    now: datetime,
) -> list[Gauge]:
    """Return the figures of a competition.

    Args:
        name: Of the competition.
        phases: Names of its phases; those of entries that are no longer among them are added.
        entries: All of them, those being judged again included: they use the devices too.
        paused: Whether no further evaluation begins.
        teams: How many may hand in.
        free_bytes: Where the store is.
        total_bytes: Where the store is.
        now: The present moment.
    """
    own = {"competition": name}
    named = list(dict.fromkeys([*phases, *(entry.phase for entry in entries)]))
    counts = Counter((entry.phase, entry.state) for entry in entries)
    received = Counter(
        entry.phase for entry in entries if entry.source is None and now - _DAY <= entry.received <= now
    )
    oldest: dict[str, float] = {}
    for entry in entries:
        if entry.state is EntryState.QUEUED:
            age = max(0.0, (now - entry.state_since).total_seconds())
            oldest[entry.phase] = max(age, oldest.get(entry.phase, 0.0))
    stuck = sum(is_stuck(entry.state, (now - entry.state_since).total_seconds()) for entry in entries)
    return [
        Gauge(
            name="entries",
            help="Entries by phase and state.",
            values=[
                ({**own, "phase": phase, "state": str(state)}, float(counts[phase, state]))
                for phase in named
                for state in EntryState
            ],
        ),
        Gauge(
            name="entries_received_last_day",
            help="Hand-ins of the last 24 hours by phase.",
            values=[({**own, "phase": phase}, float(received[phase])) for phase in named],
        ),
        Gauge(
            name="queue_oldest_seconds",
            help="How long the oldest queued entry has waited, by phase; 0 without one.",
            values=[({**own, "phase": phase}, oldest.get(phase, 0.0)) for phase in named],
        ),
        Gauge(
            name="stuck_entries",
            help="Entries that have been in a state for longer than its owner should need.",
            values=[(own, float(stuck))],
        ),
        Gauge(
            name="paused", help="1 while no further evaluation begins, else 0.", values=[(own, float(paused))]
        ),
        Gauge(name="teams", help="Teams that may hand in.", values=[(own, float(teams))]),
        Gauge(
            name="disk_free_bytes", help="Free bytes where the store is.", values=[(own, float(free_bytes))]
        ),
        Gauge(
            name="disk_total_bytes",
            help="Size in bytes of the file system where the store is.",
            values=[(own, float(total_bytes))],
        ),
    ]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _escaped_label(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
