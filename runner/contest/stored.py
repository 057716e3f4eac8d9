"""Read the submission of an entry from the store's archive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

from runner.errors import ConfigurationError
from runner.store.competition.records import CompetitionEntry
from runner.store.paths import archive_path
from runner.submission.load import Submission, load_submission


def stored_submission(folder: Path, entry: CompetitionEntry) -> Submission:
    """Return the submission of an entry.

    Args:
        folder: Of the store.
        entry: That was taken.

    Raises:
        ConfigurationError: the archive is missing or was changed.
    """
    sha256 = entry.archive_sha256 or ""
    submission = load_submission(archive_path(folder, sha256))
    if submission.sha256 != sha256:
        raise ConfigurationError(f"The stored archive {sha256[:12]} was changed; restore it.")
    return replace(submission, name=PurePath(entry.file_name).stem or "unnamed")
