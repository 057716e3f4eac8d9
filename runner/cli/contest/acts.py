"""Acts on a competition: pause, resume, withdraw, disqualify, admit, cancel, choose. Each is in the audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import stdout_console
from runner.cli.contest.options import (
    AsTeamOption,
    CompetitionArgument,
    EntryArgument,
    PhaseOption,
    ReasonOption,
    organizer,
)
from runner.cli.options import DEFAULT_STORE, StoreOption
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.opened import OpenContest, open_contest
from runner.contest.team_acts import cancel_entry, choose_entries
from runner.errors import ConfigurationError
from runner.store.competition.records import Act
from runner.wording import quantity


def pause_command(
    folder: CompetitionArgument, reason: ReasonOption, store: StoreOption = DEFAULT_STORE
) -> None:
    """Start no further evaluation; entries are still taken, and what is being evaluated ends."""
    with open_contest(folder, store) as contest:
        act = Act(who=organizer(), act="pause", subject=contest.name, reason=reason)
        contest.store.set_paused(contest.name, True, act=act)
    _print(f"{contest.name} is paused.")


def resume_command(folder: CompetitionArgument, store: StoreOption = DEFAULT_STORE) -> None:
    """Let a paused competition go on."""
    with open_contest(folder, store) as contest:
        act = Act(who=organizer(), act="resume", subject=contest.name)
        contest.store.set_paused(contest.name, False, act=act)
    _print(f"{contest.name} goes on.")


def withdraw_command(
    folder: CompetitionArgument,
    entry: EntryArgument,
    reason: ReasonOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take an entry out of the competition at its team's wish; it uses no quota any more."""
    _move(folder, store, entry, EntryState.WITHDRAWN, act="withdraw", reason=reason)


def disqualify_command(
    folder: CompetitionArgument,
    entry: EntryArgument,
    reason: ReasonOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take an entry out of the competition; what is known of it stays, and it still uses its quota."""
    _move(folder, store, entry, EntryState.DISQUALIFIED, act="disqualify", reason=reason)


def admit_command(
    folder: CompetitionArgument,
    entry: EntryArgument,
    reason: ReasonOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Queue an entry that is late, or held: it is evaluated after all, or once more."""
    with open_contest(folder, store) as contest:
        current = contest.store.competition_entry(contest.name, entry)
        state, steps = current.state, [EntryState.CHECKING, EntryState.QUEUED]
        if current.upload is not None and current.archive_sha256 is None:
            steps = [EntryState.CHECKING]  # it was never looked at
        elif state is EntryState.HELD:
            steps = [EntryState.QUEUED]
        if state not in (EntryState.LATE, EntryState.HELD):
            raise ConfigurationError(f"Entry {entry} is {state}; only late and held ones can be admitted.")
        act = Act(who=organizer(), act="admit", subject=f"entry {entry}", reason=reason)
        moved = contest.store.move_entry(entry, *steps, expected={state}, reason=reason, act=act)
    _print_moved(entry, moved is not None, steps[-1])


def cancel_command(
    folder: CompetitionArgument,
    entry: EntryArgument,
    team: AsTeamOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take an entry back for its team, which is possible until it runs; it uses no quota any more."""
    with open_contest(folder, store) as contest:
        cancel_entry(contest, team, entry)
    _print_moved(entry, True, EntryState.WITHDRAWN)


def choose_command(
    folder: CompetitionArgument,
    entries: Annotated[list[int], typer.Argument(metavar="ENTRY...", help="Numbers of its entries.")],
    team: AsTeamOption,
    phase: PhaseOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Choose the entries with which a team takes part in a final, in place of an earlier choice.

    Of a team that never chooses, its best ones count.
    """
    with open_contest(folder, store) as contest:
        final = the_final(contest, phase)
        numbers = choose_entries(contest, team, final, entries)
    _print(f"{team} takes part in {final.name} with {quantity(len(numbers), 'entry', 'entries')}.")


def the_final(contest: OpenContest, name: str | None) -> Phase:
    """Return the final of a name, or the only one.

    Raises:
        ConfigurationError: there is none, or several and none was named.
    """
    if name is not None:
        phase = contest.phase(name)
        if phase.kind != "final":
            raise ConfigurationError(f"Phase {name} is no final.")
        return phase
    finals = [phase for phase in contest.competition.phases if phase.kind == "final"]
    if len(finals) != 1:
        names = ", ".join(phase.name for phase in finals)
        raise ConfigurationError(
            f"There are several finals; name one with --phase: {names}."
            if finals
            else "This competition has no final."
        )
    return finals[0]


def _move(folder: Path, store: Path, entry: int, state: EntryState, *, act: str, reason: str) -> None:
    if not reason.strip():
        raise ConfigurationError("--reason is empty; the audit keeps it.")
    with open_contest(folder, store) as contest:
        current = contest.store.competition_entry(contest.name, entry)
        if current.pending:
            raise ConfigurationError(
                f"Entry {entry} is entry {current.source} judged again; {act} entry {current.source} itself, "
                f"or cancel rejudging {current.batch}."
            )
        before = f" (it was {current.state}: {current.reason})" if current.reason else ""
        moved = contest.store.move_entry(
            entry,
            state,
            expected={current.state},
            reason=reason,
            act=Act(who=organizer(), act=act, subject=f"entry {entry}", reason=f"{reason}{before}"),
        )
    _print_moved(entry, moved is not None, state)


def _print_moved(entry: int, moved: bool, state: EntryState) -> None:
    if not moved:
        raise ConfigurationError(f"Entry {entry} has changed meanwhile; look at it again.")
    _print(f"Entry {entry} is {state}.")


def _print(line: str) -> None:
    stdout_console().print(line, markup=False, soft_wrap=True)
