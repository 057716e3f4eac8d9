"""`unlearn submit`: hand a submission in to the server of a competition."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, print_note, stderr_console, stdout_console
from runner.cli.options import JsonOption
from runner.cli.web.client import CompetitionClient, EntryAnswer, HandInAnswer, checked_server
from runner.cli.web.token import TOKEN_VARIABLE, read_token
from runner.cli.web.upload_bar import upload_bar
from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line
from runner.submission.load import load_submission
from runner.units import duration, size_text

WAIT_SECONDS: Final = 5.0
_NAME_BYTES: Final = 190
"""Of a name without its ending, which the service takes."""
_WITHOUT_SCORE: Final = frozenset({"failed", "refused", "withdrawn", "late", "disqualified"})
_ENDS: Final = _WITHOUT_SCORE | {"scored", "superseded"}


def submit_command(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", readable=False, help="A folder, a .py file or a .zip."),
    ],
    phase: Annotated[str, typer.Option(metavar="NAME", help="The phase of the competition.")],
    server: Annotated[
        str, typer.Option(metavar="URL", help="The competition's server, such as https://contest.example.")
    ],
    token_file: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            metavar="FILE",
            help=f"Has your team's token, for you alone to read. Otherwise {TOKEN_VARIABLE} has it.",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the entry until it has ended.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Hand a submission in to a competition's server; with --wait, follow it to its result.

    A request that is lost is repeated, and is still one entry.
    """
    origin, token = checked_server(server), read_token(token_file, os.environ)
    submission = load_submission(path)
    client = CompetitionClient(origin, token, report=print_note)
    handed_in = _hand_in(client, phase, submission.name, submission.archive)
    if not as_json:
        print_handed_in(handed_in)
    entry = handed_in.entry
    if wait:
        entry = follow(client, entry, report=lambda text: print_note(f"entry {entry.id}: {text}"))
    if as_json:
        print_json({"schema": 1, **handed_in.model_dump(), "entry": entry.model_dump()})
    elif wait:
        stdout_console().print(f"entry {entry.id}: {state_text(entry)}", markup=False, soft_wrap=True)
    if wait and entry.state in _WITHOUT_SCORE:
        raise typer.Exit(1)


def follow(
    client: CompetitionClient,
    entry: EntryAnswer,
    *,
    report: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> EntryAnswer:
    """Return an entry once it has ended.

    Args:
        client: Of its server.
        entry: As it was handed in.
        report: Is told of each change.
        sleep: Waits for a number of seconds.
    """
    text = state_text(entry)
    while entry.state not in _ENDS:
        sleep(WAIT_SECONDS)
        entry = client.entry(entry.id)
        if entry.state not in _ENDS and state_text(entry) != text:
            text = state_text(entry)
            report(text)
    return entry


def state_text(entry: EntryAnswer) -> str:
    """Return the state of an entry in words."""
    text = sanitize_line(entry.state, 40)
    if entry.position is not None:
        text += f", place {entry.position} in the queue"
    if entry.score is not None:
        text += f", score {entry.score:.4g}"
    if entry.reason:
        text += f": {sanitize_line(entry.reason, 500)}"
    return text


def _hand_in(client: CompetitionClient, phase: str, name: str, archive: bytes) -> HandInAnswer:
    most = client.phase(phase).max_bytes
    print_note(f"{size_text(len(archive))} of at most {size_text(most)}")
    if len(archive) > most:
        raise ConfigurationError(
            f"The submission has {size_text(len(archive))}; phase {sanitize_line(phase, 40)} takes at most "
            f"{size_text(most)}. Nothing was sent."
        )
    short = name.replace(chr(92), "_").encode()[:_NAME_BYTES].decode(errors="ignore")
    file_name = f"{short}.zip"
    with upload_bar(stderr_console(), len(archive)) as sent:
        return client.hand_in(phase, file_name, archive, key=secrets.token_hex(16), sent=sent)


def print_handed_in(answer: HandInAnswer) -> None:
    """Print an entry, and what remains."""
    entry, out = answer.entry, stdout_console()
    earlier = "" if answer.is_new else ", the same file as before"
    out.print(f"entry {entry.id}: {state_text(entry)}{earlier}", markup=False, soft_wrap=True)
    if answer.remaining is not None:
        resets = f"; resets at {sanitize_line(answer.resets_at, 40)}" if answer.resets_at else ""
        out.print(f"remaining: {answer.remaining}{resets}", markup=False, soft_wrap=True)
    if entry.starts_in_seconds is not None:
        out.print(f"begins in about {duration(entry.starts_in_seconds)}", markup=False, soft_wrap=True)
