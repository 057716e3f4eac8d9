"""Record what was typed as entries: each path, whatever is there, before anything is evaluated."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description
from runner.errors import HostNotReadyError
from runner.sanitize import sanitize_line
from runner.store.databases.address import has_rows
from runner.store.entries.records import Entry, NewEntry, Outcome
from runner.store.open_store import open_store
from runner.store.paths import archive_path
from runner.store.store import Store
from runner.submission.load import RefusedSubmission, Submission, read_submission
from runner.submission.pack import display_path
from runner.units import size_text

_REASON_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class HandIn:
    """A path that was typed, and what is there."""

    path: Path
    content: Submission | RefusedSubmission


def read_hand_in(path: Path, challenge: Challenge) -> HandIn:
    """Return what is at a path; a submission that is larger than the challenge allows is refused.

    Raises:
        ConfigurationError: nothing exists there.
    """
    content = read_submission(path)
    if isinstance(content, Submission) and (reason := _excess(content, path, challenge.description)):
        content = RefusedSubmission(name=content.name, reason=reason, sha256=content.sha256)
    return HandIn(path=path, content=content)


def _excess(submission: Submission, path: Path, description: Description) -> str | None:
    """Return a sentence if a submission is too large for a challenge."""
    size, limit = len(submission.archive), description.limits.submission_bytes
    if limit is None or size <= limit:
        return None
    return sanitize_line(
        f"{display_path(path)} is too large for the challenge {description.name}, which allows "
        f"{size_text(limit)}: packed, it has {size} bytes of {limit}. Leave out what unlearning does not "
        "need, such as data and trained networks.",
        _REASON_CHARACTERS,
    )


def new_command() -> str:
    """Return what identifies a command in the entries that it records."""
    return uuid.uuid4().hex


def record_hand_ins(
    store: Store,
    hand_ins: Sequence[HandIn],
    *,
    challenge: Challenge,
    n: int,
    evaluation_of: Callable[[Submission], str],
    command: str | None = None,
) -> list[Entry]:
    """Record an entry for each, all or none, and return them in the same order.

    Args:
        store: Where they are recorded.
        hand_ins: In the order in which they were typed.
        challenge: On what they are evaluated.
        n: How many runs each has.
        evaluation_of: Returns the name of a submission's evaluation.
        command: Identifies the command, if it has recorded others before.
    """
    entries = []
    for hand_in in hand_ins:
        content, path = hand_in.content, hand_in.path
        is_refused = isinstance(content, RefusedSubmission)
        entries.append(
            NewEntry(
                name=content.name,
                path=display_path(path),
                folder=None if path.is_absolute() else display_path(Path.cwd()),
                content_sha256=content.sha256,
                challenge=challenge.description.name,
                challenge_sha256=challenge.sha256,
                n=n,
                evaluation=None if isinstance(content, RefusedSubmission) else evaluation_of(content),
                outcome=Outcome.REFUSED if is_refused else None,
                reason=content.reason if isinstance(content, RefusedSubmission) else None,
            )
        )
    return store.record_entries(command or new_command(), entries)


def with_known_names(hand_ins: Sequence[HandIn], store: Store) -> list[HandIn]:
    """Return the same, but archives of a store's folder under the name that this or that store knows them by.

    An archive is stored under its hash, so that its file has no name of its own.
    """
    named = []
    for hand_in in hand_ins:
        content = hand_in.content
        if isinstance(content, Submission) and hand_in.path.stem == content.sha256:
            name = store.known_name(content.sha256) or _name_in_its_store(hand_in.path, content.sha256)
            if name is not None:
                content = replace(content, name=sanitize_line(name, 100))
        named.append(replace(hand_in, content=content))
    return named


def _name_in_its_store(path: Path, sha256: str) -> str | None:
    folder = path.absolute().parent.parent
    if path.absolute() != archive_path(folder, sha256) or not has_rows(folder):
        return None
    try:
        with closing(open_store(folder, create=False)) as store:
            return store.known_name(sha256)
    except HostNotReadyError:  # a name is not worth the whole command
        return None
