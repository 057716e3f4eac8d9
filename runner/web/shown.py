"""What is shown of phases and entries: from the files that the evaluating process writes."""

from __future__ import annotations

from typing import Any

from runner.challenge.description_file import read_description
from runner.competition.phase import Phase
from runner.contest.audience import anonymous_name
from runner.contest.service.snapshot import OwnResult, read_report
from runner.errors import ConfigurationError
from runner.leaderboard.final_model import FinalResults
from runner.leaderboard.model import Board, RowView
from runner.store.competition.records import CompetitionEntry
from runner.submission.limits import MAX_SUBMISSION_BYTES
from runner.web.context import WebContext


def most_bytes(context: WebContext, phase: Phase) -> int:
    """Return how large a file may be: by the snapshot, by the challenge if it can be read, or of any."""
    snapshot = context.snapshots.get(phase.name)
    if snapshot is not None:
        return snapshot.submission_bytes
    try:
        limits = read_description(context.contest.folder / phase.challenges[0]).limits
    except ConfigurationError:  # this user may not read it; the check of the archive knows the limit
        return MAX_SUBMISSION_BYTES
    return limits.submission_bytes or MAX_SUBMISSION_BYTES


def shown_board(context: WebContext, phase: Phase, team: str | None) -> Board | None:
    """Return the leaderboard of a phase as somebody may see it; None before the first one.

    Args:
        context: What all requests share.
        phase: Of the competition.
        team: Whose own rows have its name on an anonymous board too.
    """
    snapshot = context.snapshots.get(phase.name)
    board = None if snapshot is None or not phase.leaderboard.shown else snapshot.board
    if board is None or team is None or phase.leaderboard.names != "anonymous":
        return board
    own = anonymous_name(context.store.competition_secret(context.contest.name), team)

    def named(row: RowView) -> RowView:
        return row.model_copy(update={"team": team}) if row.team == own else row

    tables = [table.model_copy(update={"rows": [named(row) for row in table.rows]}) for table in board.tables]
    return board.model_copy(update={"tables": tables})


def shown_final(context: WebContext, phase: Phase, team: str | None) -> FinalResults | None:
    """Return the results of a final once they are published; None before.

    Args:
        context: What all requests share.
        phase: Of the competition.
        team: Whose own rows have its name where teams are anonymous.
    """
    snapshot = context.snapshots.get(phase.name)
    results = None if snapshot is None or not phase.leaderboard.shown else snapshot.final
    if results is None or team is None or phase.leaderboard.names != "anonymous":
        return results
    own = anonymous_name(context.store.competition_secret(context.contest.name), team)
    rows = [row.model_copy(update={"team": team}) if row.team == own else row for row in results.rows]
    return results.model_copy(update={"rows": rows})


def own_result(context: WebContext, entry: CompetitionEntry) -> OwnResult | None:
    """Return what the team of an entry may see of its result; None where there is none."""
    snapshot = context.snapshots.get(entry.phase)
    return None if snapshot is None else snapshot.results.get(entry.id)


def own_report(context: WebContext, entry: CompetitionEntry) -> dict[str, Any] | None:
    """Return the report of an entry for its team; None where there is none."""
    return read_report(context.contest.store_folder, entry.id)
