"""`unlearn competition status` and `unlearn competition audit`."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from runner.cli.console import print_json, print_warning, stdout_console
from runner.cli.contest.options import CompetitionArgument
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.competition.states import DUTIES, EntryState, is_stuck
from runner.competition.times import local_text
from runner.contest.metrics import metrics_text
from runner.contest.opened import OpenContest, open_contest
from runner.contest.queue import QueuedEntry, queued_entries
from runner.errors import ConfigurationError
from runner.reports.cells import plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.store.competition.records import CompetitionEntry
from runner.units import duration, size_text
from runner.wording import quantity

_SHOWN: Final = 20
"""Entries of the queue in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    """What is worth knowing of a competition now."""

    now: datetime
    paused: datetime | None
    counts: dict[str, Counter[str]]
    """Entries by state, by phase."""
    queue: Sequence[QueuedEntry]
    at_work: Sequence[CompetitionEntry]
    devices: Mapping[str, str]
    """On which evaluations are executed."""
    held: Sequence[CompetitionEntry]
    stuck: Sequence[CompetitionEntry]
    free_bytes: int
    total_bytes: int


def status_command(
    folder: CompetitionArgument,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
    metrics: Annotated[
        bool,
        typer.Option("--metrics", help="Print figures for monitoring, as text of Prometheus."),
    ] = False,
) -> None:
    """Show the queue with expected times, what is held or stuck, and the room on the disk."""
    if metrics and as_json:
        raise ConfigurationError("--metrics and --json are two formats; choose one.")
    with open_contest(folder, store) as contest:
        if metrics:
            text = metrics_text(contest, datetime.now(UTC))
            stdout_console().print(text, end="", markup=False, highlight=False, soft_wrap=True)
            return
        status = _status(contest)
        if as_json:
            print_json(_as_json(contest, status))
            return
    out = stdout_console()
    zone = contest.competition.zone
    out.print(f"{contest.name}, {local_text(status.now, zone)}", markup=False, soft_wrap=True)
    out.print(fitted_table(_phase_columns(contest, status), out.width))
    if status.queue:
        out.print(fitted_table(_queue_columns(status.queue[:_SHOWN]), out.width))
    more = len(status.queue) - _SHOWN
    out.print(
        f"{quantity(len(status.queue), 'entry', 'entries')} in the queue"
        + (f", {more} of them not shown" if more > 0 else "")
    )
    for entry in status.at_work:
        device = status.devices.get(entry.evaluation or "")
        on = f" on {device}" if device else ""
        out.print(f"entry {entry.id} of {entry.team}: {entry.state}{on}", markup=False, soft_wrap=True)
    out.print(f"{size_text(status.free_bytes)} free of {size_text(status.total_bytes)} where the store is")
    for warning in _warnings(contest, status):
        print_warning(warning)


def audit_command(
    folder: CompetitionArgument, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False
) -> None:
    """List what organizers and teams did, the oldest first; nothing changes or deletes it."""
    with open_contest(folder, store) as contest:
        acts, zone = contest.store.audit(contest.name), contest.competition.zone
    if as_json:
        print_json(
            {
                "acts": [
                    {
                        "at": act.at.isoformat(),
                        "who": act.who,
                        "act": act.act,
                        "subject": act.subject,
                        "reason": act.reason,
                    }
                    for act in acts
                ]
            }
        )
        return
    out = stdout_console()
    columns = [
        Column(title="at", cells=[local_text(act.at, zone) for act in acts], importance=90),
        Column(title="who", cells=[plain_text(act.who) for act in acts], importance=80),
        Column(title="act", cells=[plain_text(act.act) for act in acts], importance=REQUIRED),
        Column(title="subject", cells=[plain_text(act.subject) for act in acts], importance=REQUIRED),
        Column(
            title="reason", cells=[plain_text(act.reason or "") for act in acts], importance=70, shrinks_to=20
        ),
    ]
    if acts:
        out.print(fitted_table(columns, out.width))
    out.print(quantity(len(acts), "act"))


def _status(contest: OpenContest) -> _Status:
    now = datetime.now(UTC)
    entries = contest.store.competition_entries(contest.name, with_pending=True)
    counts: dict[str, Counter[str]] = {phase.name: Counter() for phase in contest.competition.phases}
    for entry in entries:
        if not entry.pending:
            counts.setdefault(entry.phase, Counter())[entry.state] += 1
    disk = shutil.disk_usage(contest.store_folder)
    at_work = [entry for entry in entries if entry.state in (EntryState.RUNNING, EntryState.SCORING)]
    return _Status(
        now=now,
        paused=contest.store.paused_since(contest.name),
        counts=counts,
        queue=queued_entries(contest.store, contest.folder, contest.competition),
        at_work=at_work,
        devices=contest.store.devices_at_work([entry.evaluation or "" for entry in at_work]),
        held=[entry for entry in entries if entry.state is EntryState.HELD],
        stuck=[
            entry for entry in entries if is_stuck(entry.state, (now - entry.state_since).total_seconds())
        ],
        free_bytes=disk.free,
        total_bytes=disk.total,
    )


def _warnings(contest: OpenContest, status: _Status) -> Iterator[str]:
    if status.paused is not None:
        yield f"paused since {local_text(status.paused, contest.competition.zone)}: nothing is evaluated"
    for name in sorted(status.counts.keys() - {phase.name for phase in contest.competition.phases}):
        count = quantity(status.counts[name].total(), "entry is", "entries are")
        yield f"{count} of phase {name}, which competition.toml does not have; nothing is done with them"
    for entry in status.held:
        times = quantity(entry.attempts, "attempt")
        yield f"entry {entry.id} of {entry.team} is held after {times}: {entry.reason or ''}"
    for entry in status.stuck:
        age = duration((status.now - entry.state_since).total_seconds())
        yield f"entry {entry.id} of {entry.team} is stuck: {entry.state} for {age}; {_whose(entry)}"


def _whose(entry: CompetitionEntry) -> str:
    owner = DUTIES[entry.state].owner
    return "an organizer decides" if owner == "organizer" else "unlearn competition evaluate moves it on"


def _phase_columns(contest: OpenContest, status: _Status) -> list[Column]:
    competition = contest.competition
    phases = competition.phases
    counts = [
        ", ".join(f"{count} {state}" for state, count in sorted(status.counts[phase.name].items())) or "-"
        for phase in phases
    ]
    stages = [competition.stage(phase, status.now) for phase in phases]
    return [
        Column(title="phase", cells=[plain_text(phase.name) for phase in phases], importance=REQUIRED),
        Column(title="is", cells=list(stages), importance=80),
        Column(
            title="closes",
            cells=[local_text(competition.closes(phase), competition.zone) for phase in phases],
            importance=50,
        ),
        Column(title="entries", cells=counts, importance=REQUIRED, shrinks_to=20),
    ]


def _queue_columns(queue: Sequence[QueuedEntry]) -> list[Column]:
    return [
        Column(title="", cells=[str(each.position) for each in queue], importance=REQUIRED, right=True),
        Column(title="entry", cells=[str(each.entry.id) for each in queue], importance=REQUIRED, right=True),
        Column(title="team", cells=[plain_text(each.entry.team) for each in queue], importance=REQUIRED),
        Column(title="phase", cells=[plain_text(each.entry.phase) for each in queue], importance=60),
        Column(
            title="file",
            cells=[plain_text(each.entry.file_name) for each in queue],
            importance=50,
            shrinks_to=15,
        ),
        Column(title="starts in about", cells=[starts_text(each) for each in queue], importance=70),
    ]


def starts_text(queued: QueuedEntry) -> str:
    """Return in how long an entry is likely to begin; a dash where that is not known."""
    return "-" if queued.starts_in is None else duration(queued.starts_in)


def _as_json(contest: OpenContest, status: _Status) -> dict[str, Any]:
    return {
        "name": contest.name,
        "at": status.now.isoformat(),
        "paused": None if status.paused is None else status.paused.isoformat(),
        "phases": [
            {
                "name": phase.name,
                "stage": contest.competition.stage(phase, status.now),
                "entries": dict(sorted(status.counts[phase.name].items())),
            }
            for phase in contest.competition.phases
        ],
        "queue": [
            {**each.entry.to_json(), "position": each.position, "starts_in": each.starts_in}
            for each in status.queue
        ],
        "at_work": [
            {**entry.to_json(), "device": status.devices.get(entry.evaluation or "")}
            for entry in status.at_work
        ],
        "held": [entry.to_json() for entry in status.held],
        "stuck": [entry.to_json() for entry in status.stuck],
        "free_bytes": status.free_bytes,
        "total_bytes": status.total_bytes,
    }
