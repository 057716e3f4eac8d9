"""Whether the names in an archive are plain: the same files, in the same places, for every reader."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from runner.sanitize import sanitize, sanitize_line

_LONGEST_PART_BYTES: Final = 255
"""What a file system takes."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_FILE: Final = "submission.py"


class ArchiveError(ValueError):
    """The bytes are no archive that is passed on; the text says why."""


def quoted_name(name: str) -> str:
    """Return a name as a message may contain it."""
    return f'"{sanitize_line(name, 60)}"'


def decode_name(raw: bytes, *, utf8: bool) -> str:
    """Return a name as text, by the encoding that the entry declares.

    Raises:
        ArchiveError: it is not in that encoding.
    """
    try:
        return raw.decode("utf-8" if utf8 else "cp437")
    except UnicodeDecodeError:
        raise ArchiveError("a name is not text") from None


def check_names(names: Sequence[str]) -> None:
    """Require plain, distinct names with ``submission.py`` at the top.

    Names that differ only in case or in Unicode's forms count as the same: on many machines
    they are, and the participant's may be one of them.

    Raises:
        ArchiveError: with the first that is not.
    """
    kinds: dict[str, str] = {}
    for name in names:
        _check_plain(name)
        key = _folded(name)
        if key in kinds:
            reason = "stands twice" if kinds[key] == name else f"stands beside {quoted_name(kinds[key])}"
            raise ArchiveError(f"{quoted_name(name)} {reason}")
        kinds[key] = name
    for name in names:
        parts = _folded(name).removesuffix("/").split("/")
        inner = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        for folder in [*inner, *(["/".join(parts)] if name.endswith("/") else [])]:
            if folder in kinds:
                raise ArchiveError(f"{quoted_name(kinds[folder])} is both a file and a folder")
    if _FILE not in names:
        raise ArchiveError(_where_is_it(names))


def _check_plain(name: str) -> None:
    parts = name.removesuffix("/").split("/")
    if sanitize(name) != name or "\n" in name or "\t" in name:
        reason = "has characters that are not to be shown"
    elif "\\" in name:
        reason = "has a backslash; folders are separated by /"
    elif name.startswith("/") or _DRIVE.match(name):
        reason = "is an absolute path"
    elif ".." in parts:
        reason = "leads out of the archive"
    elif "" in parts or "." in parts:
        reason = "is not a plain path"
    elif any(len(part.encode()) > _LONGEST_PART_BYTES for part in parts):
        reason = "is too long"
    else:
        return
    raise ArchiveError(f"the name {quoted_name(name)} {reason}")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _where_is_it(names: Sequence[str]) -> str:
    inside = [name for name in names if name.count("/") == 1 and name.endswith("/" + _FILE)]
    if len(inside) == 1:
        folder = inside[0].removesuffix("/" + _FILE)
        return f"{_FILE} is in the folder {quoted_name(folder)}; pack what is in that folder, not the folder itself"
    return f"it has no {_FILE} at its top"
