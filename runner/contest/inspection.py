"""Look at the bytes of a file that was handed in: the submission in it, or why there is none."""

from __future__ import annotations

import errno
import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.contest.inbox import cause
from runner.errors import HostNotReadyError
from runner.evaluation.entries import read_hand_in
from runner.sanitize import sanitize_line
from runner.submission.load import RefusedSubmission, Submission


class NotTakenError(Exception):
    """A file could not be read, by no fault of its own that is known: the next command tries again."""


def inspected(file_name: str, data: bytes, challenge: Challenge) -> Submission | RefusedSubmission:
    """Return what the content of a file is, by a copy that nobody else can change.

    Args:
        file_name: As it was handed in; its ending says what it is.
        data: Its bytes.
        challenge: Which limits its size.

    Raises:
        HostNotReadyError: there is no room for a copy.
        NotTakenError: the copy cannot be read.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="unlearn-sync-") as name:
            copy = Path(name) / file_name
            copy.write_bytes(data)
            content = read_hand_in(copy, challenge).content
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return RefusedSubmission(
                name=sanitize_line(file_name, 100),
                reason="The name of the file is too long; hand it in under a shorter one.",
                sha256=hashlib.sha256(data).hexdigest(),
            )
        raise HostNotReadyError(f"{tempfile.gettempdir()} cannot be used: {cause(error)}.") from error
    if isinstance(content, RefusedSubmission):
        if content.unreadable:
            raise NotTakenError("its copy cannot be read")
        return RefusedSubmission(
            name=content.name,
            reason=content.reason.replace(f"{name}/", ""),
            sha256=content.sha256 or hashlib.sha256(data).hexdigest(),
        )
    if content.name == Path(name).name:  # of `submission.py`, whose folder would be its name
        return replace(content, name="submission")
    return content
