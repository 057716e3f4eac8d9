"""Store how far each training of an unfinished build has come: one file each, replaced by the next.

The trainer's bytes are stored as they arrive, piece by piece, and sent back the same way; the host
never parses them. A file's name ends with its SHA-256, so a file that a disk or a crash damaged is
not used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from runner.challenge.unfinished import INCOMPLETE_SUFFIX, SNAPSHOT_PREFIX
from runner.errors import HostNotReadyError
from runner.files import hash_file
from sandbox.protocol.messages import SNAPSHOT_PIECE_BYTES

_PREFIX: Final = SNAPSHOT_PREFIX.rstrip(".")
_INCOMPLETE: Final = INCOMPLETE_SUFFIX.lstrip(".")
_NAME: Final = re.compile(rf"{_PREFIX}\.(?P<first>-?[0-9]{{1,9}})\.(?P<digest>[0-9a-f]{{64}}|{_INCOMPLETE})")


class SnapshotFiles:
    """The snapshots in a folder, by the first reference of the group that is trained.

    The original network counts as `sandbox.protocol.jobs.ORIGINAL`.
    """

    def __init__(self, folder: Path, *, piece_bytes: int = SNAPSHOT_PIECE_BYTES) -> None:
        """Manage the snapshots in ``folder``, which must exist before one is added."""
        self._folder, self._piece_bytes = folder, piece_bytes

    def usable(self, unfinished: Collection[int]) -> list[int]:
        """Return which of the unfinished trainings can be resumed; remove all other snapshots."""
        files: dict[int, Path] = {}
        for file in sorted(self._folder.glob(f"{_PREFIX}.*")):
            match = _NAME.fullmatch(file.name)
            if match is None:
                continue
            first, digest = int(match["first"]), match["digest"]
            expected = first in unfinished and first not in files and digest != _INCOMPLETE
            if expected and hash_file(file) == digest:
                files[first] = file
            else:
                file.unlink()
        return sorted(files)

    def pieces(self, first: int) -> Iterator[tuple[bytes, bool]]:
        """Yield a usable snapshot in pieces, each with whether it is the last."""
        (file,) = self._folder.glob(f"{_PREFIX}.{first}.*")
        remaining = file.stat().st_size
        with file.open("rb") as opened:
            while remaining:
                piece = opened.read(self._piece_bytes)
                remaining -= len(piece)
                yield piece, not remaining

    def add(self, first: int, piece: bytes, *, last: bool) -> None:
        """Store a piece; with the last one, the snapshot replaces its predecessor.

        Raises:
            HostNotReadyError: the piece cannot be written; the predecessor remains.
        """
        incomplete = self._folder / f"{_PREFIX}.{first}.{_INCOMPLETE}"
        try:
            with incomplete.open("ab") as file:
                file.write(piece)
            if last:
                complete = incomplete.with_name(f"{_PREFIX}.{first}.{hash_file(incomplete)}")
                incomplete.replace(complete)
                self._remove_all_but(complete, first)
        except OSError as error:
            incomplete.unlink(missing_ok=True)
            raise HostNotReadyError(f"{incomplete} cannot be written: {error.strerror or error}.") from error

    def remove(self, first: int) -> None:
        """Remove the snapshots of a training that is finished."""
        self._remove_all_but(None, first)

    def _remove_all_but(self, current: Path | None, first: int) -> None:
        for file in self._folder.glob(f"{_PREFIX}.{first}.*"):
            if file != current:
                file.unlink()
