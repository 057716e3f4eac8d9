"""Hand a file in: what can be refused is refused before the body is read, all else once it is stored.

The API and the form of the pages use this; they differ in where the bytes come from. The last word has the
transaction that records the entry: it locks the team's row, so that parallel requests cannot exceed a quota
together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from starlette.concurrency import run_in_threadpool

from runner.competition.intake import Intake, intake
from runner.competition.phase import Phase
from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line
from runner.store.competition.entries import Taken
from runner.store.competition.records import CompetitionEntry, NewCompetitionEntry
from runner.store.paths import uploads_folder
from runner.web.context import WebContext
from runner.web.intake.body import write_pieces
from runner.web.intake.uploads import new_upload, remove_upload
from runner.web.problems import ProblemError
from runner.web.shown import most_bytes

SAME_UPLOAD: Final = timedelta(minutes=10)
"""How long the same bytes of a team are the same entry."""
_NAME_CHARACTERS: Final = 200
_NAME_BYTES: Final = 200
"""Less than file systems allow, since the evaluating process writes a copy of that name."""
_MINUTE: Final = timedelta(minutes=1)
_SUFFIXES: Final = (".zip", ".py")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandIn:
    """A file that a team may hand in, as far as is known before its bytes."""

    context: WebContext
    phase: Phase
    team: str
    file_name: str
    key: str | None
    """Of the request, from the header Idempotency-Key."""
    most: int
    """Bytes that the phase's challenge allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of it."""

    entry: CompetitionEntry
    is_new: bool
    remaining: int | None
    """As `runner.competition.intake.Intake`, after it."""
    resets_at: datetime | None


def begin_hand_in(
    context: WebContext, team: str, *, phase: str, file_name: str, key: str | None = None
) -> HandIn:
    """Return what is needed to receive a file; refuse it where that is certain already. Reads the store.

    Args:
        context: What all requests share.
        team: Whose it is.
        phase: Name of a phase.
        file_name: As the client calls it.
        key: From the header Idempotency-Key.

    Raises:
        ProblemError: there is no such phase (404), it takes nothing (409), a name or a quota forbids it.
    """
    selected = phase_of(context, phase)
    name = _checked_name(file_name)
    if not context.store.allow(
        f"upload {context.contest.name} {team}",
        most=context.settings.uploads_per_minute,
        interval=_MINUTE,
        now=context.clock(),
    ):
        raise ProblemError(429, "Too many uploads; try again in a minute.", retry_after=60)
    hand_in = HandIn(
        context=context,
        phase=selected,
        team=team,
        file_name=name,
        key=None if key is None else _stored_key(selected.name, team, key),
        most=most_bytes(context, selected),
    )
    now = context.clock()
    decision = quota_of(context, selected, team, now)
    if decision.state is None and not _may_be_repeated(hand_in, now):
        raise _refusal(context, selected, decision, now)
    return hand_in


async def receive(hand_in: HandIn, pieces: AsyncIterator[bytes], *, length: int | None) -> HandedIn:
    """Store the bytes of a file, then record its entry.

    Args:
        hand_in: From `begin_hand_in`.
        pieces: The bytes.
        length: As declared; None where another limit holds.

    Raises:
        ProblemError: it came to nothing; a file without an entry is removed, after a day at the latest.
    """
    context = hand_in.context
    folder = uploads_folder(context.contest.store_folder)
    try:
        with new_upload(folder, length or hand_in.most, spare_bytes=context.settings.spare_bytes) as upload:
            sha256 = await write_pieces(pieces, upload.file, length, spare_bytes=context.settings.spare_bytes)
            size = upload.file.tell()
            name = await run_in_threadpool(upload.keep, sha256)
    except OSError as error:
        raise ProblemError(
            503, "The file cannot be stored at the moment; try again.", retry_after=60
        ) from error
    return await run_in_threadpool(_record, hand_in, name, sha256, size)


def _record(hand_in: HandIn, upload: str, sha256: str, size: int) -> HandedIn:
    """Record the entry of a stored file; the file is removed where it gets none."""
    context, phase = hand_in.context, hand_in.phase
    folder = uploads_folder(context.contest.store_folder)
    new = NewCompetitionEntry(
        competition=context.contest.name,
        phase=phase.name,
        team=hand_in.team,
        file_name=hand_in.file_name,
        archive_sha256=None,
        bytes=size,
        challenge=phase.challenges[0],
        idempotency_key=hand_in.key,
        upload=upload,
        upload_sha256=sha256,
    )
    try:
        taken: Taken = context.store.take_entry(
            new,
            partial(intake, context.competition, phase),
            same_upload_within=SAME_UPLOAD,
            clock=context.clock,
        )
    except ConfigurationError:  # nothing was written; after other errors the row may be there
        remove_upload(folder, upload)
        raise
    if not taken.is_new:
        remove_upload(folder, upload)
    now = context.clock()
    if taken.entry is None:
        assert taken.intake is not None, "what is no entry was decided"
        raise _refusal(context, phase, taken.intake, now)
    if taken.entry.upload_sha256 != sha256:
        raise ProblemError(422, "This Idempotency-Key belongs to another file; use a new one for each file.")
    after = quota_of(context, phase, hand_in.team, now)
    return HandedIn(
        entry=taken.entry, is_new=taken.is_new, remaining=after.remaining, resets_at=after.resets_at
    )


def phase_of(context: WebContext, name: str) -> Phase:
    """Return a phase by its name.

    Raises:
        ProblemError: there is none.
    """
    for phase in context.competition.phases:
        if phase.name == name:
            return phase
    names = ", ".join(phase.name for phase in context.competition.phases)
    raise ProblemError(404, f"There is no such phase; the phases are: {names}.")


def quota_of(context: WebContext, phase: Phase, team: str, now: datetime) -> Intake:
    """Return whether a team may hand in now, and what remains to it."""
    past = context.store.past_entries(context.contest.name, phase.name, team)
    return intake(context.competition, phase, past, now)


def _checked_name(name: str) -> str:
    """Return the name of a file, which is shown and never used as a path."""
    shown = sanitize_line(name, _NAME_CHARACTERS)
    if (
        shown != name
        or len(name.encode()) > _NAME_BYTES
        or PurePosixPath(name).name != name
        or "\\" in name
        or not name.strip(".")
    ):
        raise ProblemError(422, "file_name must be the plain name of a file, 200 bytes of UTF-8 at most.")
    if not name.lower().endswith(_SUFFIXES):
        raise ProblemError(422, "Hand in a .zip or a .py file; file_name must end so.")
    return name


def _may_be_repeated(hand_in: HandIn, now: datetime) -> bool:
    """Return whether the file may be one that was taken, so that its entry is the answer."""
    context = hand_in.context
    return context.store.has_upload(
        context.contest.name, hand_in.phase.name, hand_in.team, since=now - SAME_UPLOAD, key=hand_in.key
    )


def _refusal(context: WebContext, phase: Phase, decision: Intake, now: datetime) -> ProblemError:
    """Return the problem of a file that becomes no entry: closed (409), or beyond a quota (429)."""
    stage = context.competition.stage(phase, now)
    members = {"remaining": decision.remaining, "resets_at": context.shown(decision.resets_at)}
    detail = decision.refusal or "The phase takes no files."
    is_quota = phase.kind != "final" and (stage == "open" or decision.resets_at is not None)
    if not is_quota:
        return ProblemError(409, detail, members=members)
    wait = None if decision.resets_at is None else (decision.resets_at - now).total_seconds()
    return ProblemError(429, detail, retry_after=wait, members=members)


def _stored_key(phase: str, team: str, key: str) -> str:
    return hashlib.sha256(json.dumps(["web", phase, team, key]).encode()).hexdigest()
