"""`unlearn competition sync`: take the files in folders of teams as entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.challenge.load import load_challenge
from runner.cli.console import print_error, print_json, stdout_console
from runner.cli.contest.options import CompetitionArgument, PhaseOption
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.competition.phase import Phase
from runner.competition.times import full_minute, local_text
from runner.contest.opened import OpenContest, open_contest
from runner.contest.sync import Intaker, SyncedFile
from runner.errors import ConfigurationError
from runner.wording import quantity


def sync_command(
    folder: CompetitionArgument,
    inbox: Annotated[
        Path,
        typer.Argument(
            metavar="INBOX", readable=False, help="Folder with a folder for each team, of its name."
        ),
    ],
    phase: PhaseOption = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Take the .zip and .py files in the folders of teams as entries, each once.

    The moment of this command counts as the moment of receipt. A file that is refused is an entry with that
    state; a file beyond the team's quota stays where it is, and a later sync takes it. Files whose names
    begin with a dot or end with .part or .tmp are still being written, and left alone.
    """
    with open_contest(folder, store) as contest:
        selected = _phase(contest, phase)
        intaker = Intaker(
            store=contest.store,
            folder=store,
            competition=contest.competition,
            phase=selected,
            challenge=load_challenge(folder / selected.challenges[0]),
        )
        synced = []
        for file in intaker.sync(inbox):
            synced.append(file)
            if not as_json:
                _report(contest, file)
    if as_json:
        print_json({"phase": selected.name, "files": [_as_json(file) for file in synced]})
        return
    stdout_console().print(_counts(synced), markup=False, soft_wrap=True)


def _phase(contest: OpenContest, name: str | None) -> Phase:
    """Return the phase that takes entries: the named one, or the only one that is open."""
    if name is not None:
        return contest.phase(name)
    now = datetime.now(UTC)
    competition = contest.competition
    candidates = [each for each in competition.phases if each.kind != "final"]
    if len(candidates) > 1:
        candidates = [each for each in candidates if competition.stage(each, now) == "open"]
    if len(candidates) != 1:
        names = ", ".join(each.name for each in competition.phases if each.kind != "final")
        raise ConfigurationError(f"Name the phase that takes the entries with --phase: {names}.")
    return candidates[0]


def _report(contest: OpenContest, file: SyncedFile) -> None:
    name = f"{file.team}/{file.file_name}" if file.team else file.file_name
    if file.entry is not None and file.is_new:
        why = f": {file.sentence}" if file.sentence else ""
        line = f"{name}: entry {file.entry.id}, {file.entry.state}{why}"
        stdout_console().print(line, markup=False, soft_wrap=True)
    elif file.entry is None:
        again = ""
        if file.resets_at is not None:
            at = local_text(full_minute(file.resets_at), contest.competition.zone)
            again = f" It can be taken from {at} on."
        print_error(f"{name}: {file.sentence}{again}")


def _counts(synced: Sequence[SyncedFile]) -> str:
    new = [file for file in synced if file.is_new]
    refused = sum(file.entry is not None and file.entry.state == "refused" for file in new)
    waiting = sum(file.entry is None for file in synced)
    return (
        f"{quantity(len(new), 'new entry', 'new entries')}, {refused} of them refused; "
        f"{len(synced) - len(new) - waiting} taken before; {quantity(waiting, 'file')} not taken"
    )


def _as_json(file: SyncedFile) -> dict[str, Any]:
    return {
        **asdict(file),
        "entry": None if file.entry is None else file.entry.to_json(),
        "resets_at": None if file.resets_at is None else file.resets_at.isoformat(),
    }
