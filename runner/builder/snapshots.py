"""How far each training of an unfinished build has come: a file each, replaced by the next.

The trainer's bytes are kept as they come, piece by piece, and sent back the same way; nothing here
reads them. A file's name ends with its SHA-256, so that what a disk or a crash spoiled is not gone on from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from runner.errors import HostNotReadyError
from runner.files import hash_file
from sandbox.protocol.messages import SNAPSHOT_PIECE_BYTES

_BEGIN: Final = "snapshot"
_PARTLY: Final = "partly"
_NAME: Final = re.compile(rf"{_BEGIN}\.(?P<first>-?[0-9]{{1,9}})\.(?P<digest>[0-9a-f]{{64}}|{_PARTLY})")


class SnapshotFiles:
    """The snapshots in a folder, by the first reference that is trained (`sandbox.protocol.jobs.ORIGINAL` is one)."""

    def __init__(self, folder: Path) -> None:
        """Be about a folder, which need not exist before something is taken."""
        self._folder = folder

    def usable(self, wanted: Collection[int]) -> list[int]:
        """Return which of those that are wanted can be gone on with, removing all other files."""
        found: dict[int, Path] = {}
        for file in sorted(self._folder.glob(f"{_BEGIN}.*")):
            named = _NAME.fullmatch(file.name)
            if named is None:
                continue
            number, digest = int(named["first"]), named["digest"]
            if number in wanted and number not in found and digest != _PARTLY and hash_file(file) == digest:
                found[number] = file
            else:
                file.unlink()
        return sorted(found)

    def pieces(self, first: int) -> Iterator[tuple[bytes, bool]]:
        """Yield a usable one in pieces, each with whether it is the last."""
        (file,) = self._folder.glob(f"{_BEGIN}.{first}.*")
        left = file.stat().st_size
        with file.open("rb") as opened:
            while left:
                piece = opened.read(SNAPSHOT_PIECE_BYTES)
                left -= len(piece)
                yield piece, not left

    def take(self, first: int, piece: bytes, *, last: bool) -> None:
        """Keep a piece; with the last, the snapshot replaces the one before.

        Raises:
            HostNotReadyError: it cannot be written; the one before is still there.
        """
        partly = self._folder / f"{_BEGIN}.{first}.{_PARTLY}"
        try:
            with partly.open("ab") as file:
                file.write(piece)
            if last:
                whole = partly.with_name(f"{_BEGIN}.{first}.{hash_file(partly)}")
                partly.replace(whole)
                self._forget_all_but(whole, first)
        except OSError as error:
            partly.unlink(missing_ok=True)
            raise HostNotReadyError(f"{partly} cannot be written: {error.strerror or error}.") from error

    def forget(self, first: int) -> None:
        """Remove what there is of a training that is finished."""
        self._forget_all_but(None, first)

    def _forget_all_but(self, kept: Path | None, first: int) -> None:
        for file in self._folder.glob(f"{_BEGIN}.{first}.*"):
            if file != kept:
                file.unlink()
