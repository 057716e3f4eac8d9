"""The names in an archive: plain, and the same files at the same paths for every reader."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from runner.sanitize import sanitize, sanitize_line

_MAX_PART_BYTES: Final = 255
"""The limit of common file systems."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_FILE: Final = "submission.py"


class ArchiveError(ValueError):
    """The bytes are not an archive that is passed on; the text says why."""


def quoted_name(name: str) -> str:
    """Return a name as a message may contain it: sanitized, shortened and quoted."""
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
    """Require plain, distinct names, with ``submission.py`` at the top.

    Names that differ only in case or in Unicode's normal forms count as equal: on many machines
    they are, and the participant's may be such a machine.

    Raises:
        ArchiveError: names the first problem.
    """
    names_by_key: dict[str, str] = {}
    for name in names:
        _check_plain(name)
        key = _folded(name)
        if key in names_by_key:
            present = names_by_key[key]
            reason = (
                "occurs twice"
                if present == name
                else f"differs from {quoted_name(present)} in case or form only"
            )
            raise ArchiveError(f"{quoted_name(name)} {reason}")
        names_by_key[key] = name
    for name in names:
        parts = _folded(name).removesuffix("/").split("/")
        inner = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        for folder in [*inner, *(["/".join(parts)] if name.endswith("/") else [])]:
            if folder in names_by_key:
                raise ArchiveError(f"{quoted_name(names_by_key[folder])} is both a file and a folder")
    if _FILE not in names:
        raise ArchiveError(_missing_file_hint(names))


def _check_plain(name: str) -> None:
    parts = name.removesuffix("/").split("/")
    if sanitize(name) != name or "\n" in name or "\t" in name:
        reason = "has characters that cannot be displayed"
    elif "\\" in name:
        reason = "has a backslash; folders are separated by /"
    elif name.startswith("/") or _DRIVE.match(name):
        reason = "is an absolute path"
    elif ".." in parts:
        reason = "leads out of the archive"
    elif "" in parts or "." in parts:
        reason = "is not a plain path"
    elif any(len(part.encode()) > _MAX_PART_BYTES for part in parts):
        reason = "is too long"
    else:
        return
    raise ArchiveError(f"the name {quoted_name(name)} {reason}")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _missing_file_hint(names: Sequence[str]) -> str:
    inside = [name for name in names if name.count("/") == 1 and name.endswith("/" + _FILE)]
    if len(inside) == 1:
        folder = quoted_name(inside[0].removesuffix("/" + _FILE))
        return f"{_FILE} is in the folder {folder}; pack the content of that folder, not the folder itself"
    return f"it has no {_FILE} at its top"
