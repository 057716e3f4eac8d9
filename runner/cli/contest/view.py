"""`unlearn competition view`: what organizers, a team and everybody may see of a phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from runner.cli.console import print_json, print_warning, stderr_console, stdout_console
from runner.cli.contest.options import CompetitionArgument, PhaseOption
from runner.cli.contest.status import starts_text
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.competition.intake import Intake, intake
from runner.competition.phase import Phase
from runner.competition.same_content import same_content
from runner.competition.states import EntryState
from runner.competition.times import full_minute, local_text
from runner.contest.board import phase_board
from runner.contest.opened import OpenContest, open_contest
from runner.contest.queue import QueuedEntry, queued_entries
from runner.errors import ConfigurationError
from runner.leaderboard.model import Board
from runner.leaderboard.terminal import board_lines
from runner.progress import ConsoleReporter
from runner.reports.cells import figure, plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.store.competition.records import CompetitionEntry
from runner.wording import quantity

_OURS = "a fault on our side; it is tried again"
_ENDED_BY_RUNS = (EntryState.SCORED, EntryState.FAILED)
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnEntry:
    """An entry as its team sees it."""

    entry: CompetitionEntry
    queued: QueuedEntry | None
    score: float | None
    reason: str


def view_command(
    folder: CompetitionArgument,
    team: Annotated[
        str | None,
        typer.Option("--as", metavar="TEAM", help="What this team may see; without it, what organizers see."),
    ] = None,
    phase: PhaseOption = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Show a phase to organizers, or as a team sees it: its entries, its quota, and the leaderboard."""
    with open_contest(folder, store) as contest:
        selected = _board_phase(contest, phase)
        if team is not None and team not in {each.name for each in contest.store.teams(contest.name)}:
            raise ConfigurationError(f"There is no team {team!r}; see: unlearn competition team list")
        if team is not None and selected.kind == "final":
            _show_final(contest, selected, team, as_json=as_json)
            return
        with ConsoleReporter(stderr_console()) as reporter:
            board = phase_board(contest, selected, reporter)
        now = datetime.now(UTC)
        own = [] if team is None else _own_entries(contest, selected, team, *board.own_results(team))
        quota = None if team is None else _quota(contest, selected, team, now)
        same = list(_same(contest, selected)) if team is None else []
    shown = board.for_organizers() if team is None else board.for_public(team)
    remarks = [] if team is None else board.remarks(now)
    if as_json:
        view = _as_json(contest, selected, shown, own, quota, remarks)
        if team is None:
            view["same_content"] = [{"entry": entry.id, "first": first.id} for entry, first in same]
        print_json(view)
        return
    out = stdout_console()
    out.print(f"{contest.name}, phase {selected.name}", markup=False, soft_wrap=True)
    if team is not None:
        _print_own(contest, team, own)
        if quota is not None:
            out.print(_quota_text(contest, quota), markup=False, soft_wrap=True)
    for line in board_lines(shown, out.width):
        out.print(line)
    for entry, first in same:
        out.print(_same_text(contest, entry, first), markup=False, soft_wrap=True)
    for remark in remarks:
        print_warning(remark)


def _same(contest: OpenContest, phase: Phase) -> Iterator[tuple[CompetitionEntry, CompetitionEntry]]:
    return same_content(contest.store.competition_entries(contest.name, phase=phase.name))


def _same_text(contest: OpenContest, entry: CompetitionEntry, first: CompetitionEntry) -> str:
    """Return whose file an entry is the same as, and of which time."""
    at = local_text(first.received, contest.competition.zone)
    return f"entry {entry.id} of {entry.team}: the same as {first.team}'s of {at}, entry {first.id}"


def _show_final(contest: OpenContest, phase: Phase, team: str, *, as_json: bool) -> None:
    """Show a team where its entries of a final are: no results, which organizers announce."""
    own = _own_entries(contest, phase, team, {}, {})
    if as_json:
        print_json(_as_json(contest, phase, None, own, None, []))
        return
    stdout_console().print(f"{contest.name}, phase {phase.name}", markup=False, soft_wrap=True)
    _print_own(contest, team, own)


def _print_own(contest: OpenContest, team: str, own: Sequence[_OwnEntry]) -> None:
    out = stdout_console()
    if own:
        out.print(fitted_table(_own_columns(contest, own), out.width))
    out.print(f"{quantity(len(own), 'entry', 'entries')} of {team}", markup=False, soft_wrap=True)


def _board_phase(contest: OpenContest, name: str | None) -> Phase:
    if name is not None:
        return contest.phase(name)
    phases = [phase for phase in contest.competition.phases if phase.kind != "final"]
    if len(phases) != 1:
        raise ConfigurationError(f"Name the phase with --phase: {', '.join(phase.name for phase in phases)}.")
    return phases[0]


def _own_entries(
    contest: OpenContest,
    phase: Phase,
    team: str,
    verdicts: Mapping[int, str],
    scores: Mapping[int, float],
) -> list[_OwnEntry]:
    """Return a team's entries with what it may see of them: no text that a run could have written."""
    entries = contest.store.competition_entries(contest.name, phase=phase.name, team=team)
    queue = {
        queued.entry.id: queued
        for queued in queued_entries(contest.store, contest.folder, contest.competition)
        if queued.entry.team == team
    }
    return [
        _OwnEntry(
            entry=entry,
            queued=queue.get(entry.id),
            score=scores.get(entry.id),
            reason=_own_reason(entry, verdicts),
        )
        for entry in entries
    ]


def _own_reason(entry: CompetitionEntry, verdicts: Mapping[int, str]) -> str:
    if entry.state in _ENDED_BY_RUNS:
        return verdicts.get(entry.id, "")
    if entry.state is EntryState.HELD:
        return _OURS
    if entry.state in (EntryState.QUEUED, EntryState.RUNNING, EntryState.SCORING):
        return ""
    return entry.reason or ""


def _quota(contest: OpenContest, phase: Phase, team: str, now: datetime) -> Intake:
    past = contest.store.past_entries(contest.name, phase.name, team)
    return intake(contest.competition, phase, past, now)


def _quota_text(contest: OpenContest, quota: Intake) -> str:
    parts = [(quota.refusal or "The team may hand in now.")]
    if quota.remaining is not None:
        parts.append(f"{quantity(quota.remaining, 'entry', 'entries')} left.")
    if quota.resets_at is not None:
        at = full_minute(quota.resets_at)
        parts.append(f"This changes at {local_text(at, contest.competition.zone)}.")
    return " ".join(parts)


def _own_columns(contest: OpenContest, own: Sequence[_OwnEntry]) -> list[Column]:
    zone = contest.competition.zone
    return [
        Column(title="entry", cells=[str(each.entry.id) for each in own], importance=REQUIRED, right=True),
        Column(
            title="file",
            cells=[plain_text(each.entry.file_name) for each in own],
            importance=80,
            shrinks_to=15,
        ),
        Column(
            title="received", cells=[local_text(each.entry.received, zone) for each in own], importance=60
        ),
        Column(title="state", cells=[str(each.entry.state) for each in own], importance=REQUIRED),
        Column(
            title="place",
            cells=["" if each.queued is None else str(each.queued.position) for each in own],
            importance=70,
            right=True,
        ),
        Column(
            title="starts in about",
            cells=["" if each.queued is None else starts_text(each.queued) for each in own],
            importance=65,
        ),
        Column(
            title="score",
            cells=["" if each.score is None else figure(each.score, _DIGITS) for each in own],
            importance=90,
            right=True,
        ),
        Column(title="why", cells=[plain_text(each.reason) for each in own], importance=75, shrinks_to=20),
    ]


def _as_json(
    contest: OpenContest,
    phase: Phase,
    board: Board | None,
    own: Sequence[_OwnEntry],
    quota: Intake | None,
    remarks: Sequence[str],
) -> dict[str, Any]:
    return {
        "name": contest.name,
        "phase": phase.name,
        "entries": [
            {
                "entry": each.entry.id,
                "file": each.entry.file_name,
                "received": each.entry.received.isoformat(),
                "state": str(each.entry.state),
                "position": None if each.queued is None else each.queued.position,
                "starts_in": None if each.queued is None else each.queued.starts_in,
                "score": each.score,
                "reason": each.reason,
            }
            for each in own
        ],
        "quota": None
        if quota is None
        else {
            "refusal": quota.refusal,
            "remaining": quota.remaining,
            "resets_at": None if quota.resets_at is None else quota.resets_at.isoformat(),
        },
        "remarks": list(remarks),
        "board": None if board is None else board.model_dump(mode="json"),
    }
