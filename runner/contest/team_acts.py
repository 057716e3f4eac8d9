"""What teams do to their entries, wherever they say so: take one back, choose those for a final."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.competition.phase import Phase
from runner.competition.states import EntryState, may_cancel
from runner.contest.final import Final, require_choice
from runner.contest.opened import OpenContest
from runner.errors import ConfigurationError
from runner.store.competition.records import Act, CompetitionEntry


def cancel_entry(contest: OpenContest, team: str, number: int) -> CompetitionEntry:
    """Take an entry back for its team; return it as it is then.

    Raises:
        ConfigurationError: the team has none of this number, or it runs already.
    """
    current = contest.store.competition_entry(contest.name, number)
    if current.team != team or current.pending:
        raise ConfigurationError(f"Team {team} has no entry {number}.")
    if not may_cancel(current.state):
        raise ConfigurationError(f"Entry {number} is {current.state}, so it cannot be taken back any more.")
    moved = contest.store.move_entry(
        number,
        EntryState.WITHDRAWN,
        expected={current.state},
        reason="cancelled by its team",
        act=Act(who=team, act="cancel", subject=f"entry {number}"),
    )
    if moved is None:
        raise ConfigurationError(f"Entry {number} has changed meanwhile; look at it again.")
    return moved


def choose_entries(contest: OpenContest, team: str, phase: Phase, entries: Sequence[int]) -> list[int]:
    """Choose the entries with which a team takes part in a final; return their numbers, each once.

    Raises:
        ConfigurationError: the phase is no final, it is too late, or one of them cannot take part.
    """
    numbers = list(dict.fromkeys(entries))
    final = Final(contest=contest, phase=phase)
    chosen = [contest.store.competition_entry(contest.name, number) for number in numbers]

    def require(now: datetime) -> None:
        require_choice(final, team, chosen, now)

    act = Act(who=team, act="choose", subject=phase.name, reason=f"entries: {', '.join(map(str, numbers))}")
    contest.store.choose_entries(contest.name, phase.name, team, numbers, require=require, act=act)
    return numbers
