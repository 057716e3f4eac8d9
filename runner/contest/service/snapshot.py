"""What the web service shows of results: files that the evaluating process writes and the service reads.

So the service computes nothing, and needs no right to read challenges, outputs or logs::

    FILES/shown/PHASE.json           the leaderboard for everybody, and what teams may see of their own
    FILES/shown/reports/ENTRY.json   the report of an entry, by the feedback policy of its challenge
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from runner.errors import HostNotReadyError
from runner.files import read_stored_file
from runner.leaderboard.final_model import FinalResults
from runner.leaderboard.model import Board
from runner.store.paths import MAX_JSON_BYTES, shown_folder

_DAMAGED: Final = "is damaged; unlearn competition evaluate writes it again"


class OwnResult(BaseModel):
    """What a team may see of an entry of its own that has ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float | None
    """None where it has none, or none is shown."""
    reason: str
    """Verdicts, where it has no score."""


class PhaseSnapshot(BaseModel):
    """A phase as it was at a moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    updated: AwareDatetime
    submission_bytes: int
    """Largest file that the phase's challenge allows."""
    board: Board | None
    """As everybody may see it; None of a final."""
    results: dict[int, OwnResult]
    """Of all teams, by the numbers of entries."""
    final: FinalResults | None = None
    """Of a final whose results are published, as everybody may see them."""


def snapshot_path(store: Path, phase: str) -> Path:
    """Return the path of a phase's file, in the folder of a store."""
    return shown_folder(store) / f"{phase}.json"


def report_path(store: Path, entry: int) -> Path:
    """Return the path of an entry's report, in the folder of a store."""
    return shown_folder(store) / "reports" / f"{entry}.json"


def read_snapshot(store: Path, phase: str) -> PhaseSnapshot | None:
    """Return what is shown of a phase; None before the first time.

    Raises:
        HostNotReadyError: the file cannot be read, or is damaged.
    """
    file = snapshot_path(store, phase)
    text = _read(file)
    try:
        snapshot = None if text is None else PhaseSnapshot.model_validate_json(text)
    except ValidationError as error:
        raise HostNotReadyError(f"{file} {_DAMAGED}.") from error
    if snapshot is None or snapshot.final is None:
        return snapshot
    # Earlier versions have written the names of users.
    return snapshot.model_copy(update={"final": snapshot.final.without_users()})


def read_report(store: Path, entry: int) -> dict[str, Any] | None:
    """Return the report of an entry; None where there is none yet.

    Raises:
        HostNotReadyError: the file cannot be read, or is damaged.
    """
    file = report_path(store, entry)
    text = _read(file)
    try:
        report = None if text is None else json.loads(text)
    except ValueError as error:
        raise HostNotReadyError(f"{file} {_DAMAGED}.") from error
    if report is not None and not isinstance(report, dict):
        raise HostNotReadyError(f"{file} {_DAMAGED}.")
    return report


def _read(file: Path) -> bytes | None:
    try:
        return read_stored_file(file, max_bytes=MAX_JSON_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be read: {error.strerror}.") from error
