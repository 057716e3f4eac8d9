"""The names of evaluations, the paths of the files in a store's folder, and the archives of submissions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.files import file_sha256, write_atomic
from runner.wording import first_of

DEFAULT_STORE: Final = Path("evaluations")
"""Where commands look if no other folder is named."""
_NAME: Final = re.compile("[0-9a-f]{12}")
MAX_JSON_BYTES: Final = 256 << 20
"""Of a manifest, summary or score card: 100 times those of the largest evaluation."""
MAX_LOG_BYTES: Final = 64 << 20
MAX_CHECKPOINT_BYTES: Final = 1 << 40
"""Free memory is the limit that applies."""

WhereRun = tuple[str, str, str]
DEFAULT_WHERE: Final[WhereRun] = ("process", "", "cpu")
"""Isolation, runtime and device that are left out of the hash, so that older evaluations keep their names."""


def evaluation_id(
    *, submission: str, challenge: str, image: str, n: int, where: WhereRun = DEFAULT_WHERE
) -> str:
    """Return the evaluation's name from hashes, number of runs, and isolation, runtime and device."""
    parts: dict[str, object] = {"submission": submission, "challenge": challenge, "image": image, "n": n}
    if where != DEFAULT_WHERE:
        parts["where"] = where
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def control_evaluation_id(evaluation: str, control_sha256: str) -> str:
    """Return the name of the part of an evaluation that is on a control problem, from the problem's hash."""
    return hashlib.sha256(f"control {evaluation} {control_sha256}".encode()).hexdigest()[:12]


def rescored_evaluation_id(executed: str, challenge_sha256: str, number: int) -> str:
    """Return the name of an evaluation whose runs are those of another, scored again.

    Args:
        executed: The evaluation that has executed them.
        challenge_sha256: Of the challenge on which they are scored.
        number: Tells several scorings apart.
    """
    return hashlib.sha256(f"rescored {executed} {challenge_sha256} {number}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPaths:
    """The paths of one evaluation's files."""

    folder: Path

    def checkpoint(self, index: int) -> Path:
        """Return the path of a run's checkpoint."""
        return self.folder / "checkpoints" / f"{index:05d}.safetensors"

    def outputs(self, index: int) -> Path:
        """Return the path of a run's outputs."""
        return self.folder / "outputs" / f"{index:05d}.npz"

    def log(self, index: int) -> Path:
        """Return the path of a run's log."""
        return self.folder / "logs" / f"{index:05d}.txt"

    def control(self, evaluation: str) -> EvaluationPaths:
        """Return the paths of the part that is on a control problem, by its name."""
        return EvaluationPaths(folder=self.folder / "controls" / evaluation)

    @property
    def settings(self) -> Path:
        """Return the path of the settings that the last command requested; they say how to continue."""
        return self.folder / "settings.json"

    @property
    def summary(self) -> Path:
        """Return the path of the summary."""
        return self.folder / "summary.json"

    @property
    def card(self) -> Path:
        """Return the path of the score card."""
        return self.folder / "card.json"

    @property
    def manifest(self) -> Path:
        """Return the path of the manifest."""
        return self.folder / "manifest.json"


def unlisted_evaluations(store: Path, listed: Collection[str]) -> list[str]:
    """Return the names of folders that have files of evaluations which the database does not list."""
    if not store.is_dir():
        return []
    return sorted(
        folder.name
        for folder in store.iterdir()
        if _NAME.fullmatch(folder.name) and folder.name not in listed and (folder / "outputs").is_dir()
    )


def unlisted_sentence(store: Path, listed: Collection[str]) -> str:
    """Return a remark on such folders; empty without any."""
    names = unlisted_evaluations(store, listed)
    if not names:
        return ""
    return (
        f"{store} has outputs of evaluations that its database does not list ({first_of(names, 3)}): it was "
        "emptied or replaced. Restore the database from a backup; otherwise their runs are executed again."
    )


def archive_path(store: Path, submission_sha256: str) -> Path:
    """Return the path of a submission's archive, in the folder of a store."""
    return store / "submissions" / f"{submission_sha256}.zip"


def uploads_folder(store: Path) -> Path:
    """Return the folder of what the web service received and nobody has checked yet."""
    return store / "uploads"


def shown_folder(store: Path) -> Path:
    """Return the folder of what the web service may show of results."""
    return store / "shown"


def store_archive(store: Path, archive: bytes, *, sha256: str) -> None:
    """Write a submission's archive, unless an intact copy is stored already.

    Raises:
        HostNotReadyError: it cannot be written.
    """
    file = archive_path(store, sha256)
    if file_sha256(file) != sha256:
        write_atomic(file, archive)
