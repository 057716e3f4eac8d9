"""The names in an archive: plain, and the same files at the same paths for every reader.

A name's encoding is declared by a flag for UTF-8; without it the format says code page 437. The archive
programs of Macs and of most Linux systems write UTF-8 without the flag, those of Windows the code page of the
machine's language, and nothing says which. So a name that is not ASCII and not marked is read as UTF-8 if the
archive was made on such a system and all of its names are UTF-8, or if a second name in Unicode says the
same; else it is refused, because it would reach the run under another name than its maker gave it.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from runner.sanitize import sanitize, sanitize_line

PACK_AGAIN: Final = "pack the files again: python3 -m zipfile -c entry.zip submission.py"
"""What to do about an archive of an odd form, in a message."""

_MAX_PART_BYTES: Final = 255
"""The limit of common file systems."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_UNIX, _DARWIN = 3, 19
_SECOND_NAME: Final = struct.Struct("<BL")


class ArchiveError(ValueError):
    """The bytes are not an archive that is passed on; the text says why."""


def refuse(reason: str) -> NoReturn:
    """Raise an `ArchiveError`."""
    raise ArchiveError(reason)


def refuse_layout(reason: str) -> NoReturn:
    """Refuse what no ordinary program writes, or only for archives of other sizes."""
    raise ArchiveError(f"{reason}; {PACK_AGAIN}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawName:
    """A name as the records of an entry state it."""

    raw: bytes
    utf8: bool
    """Whether it is marked as UTF-8."""
    system: int
    """On which the entry was made, by APPNOTE's numbers."""
    second: bytes | None
    """The body of its Unicode path field, if it has one."""

    @property
    def is_plain(self) -> bool:
        """Whether every reader reads the same name."""
        return self.second is None and (self.utf8 or self.raw.isascii())


def quoted_name(name: str | bytes) -> str:
    """Return a name as a message may contain it: sanitized, shortened and quoted."""
    return f'"{sanitize_line(name, 60)}"'


def decode_names(names: Sequence[RawName]) -> list[str]:
    """Return names as text.

    Raises:
        ArchiveError: a name is not in the encoding that it declares, has a second name that is
            another, or is in an encoding that nothing declares.
    """
    seconds = [None if name.second is None else _second_name(name.raw, name.second) for name in names]
    unmarked = [
        name for name, second in zip(names, seconds, strict=True) if not name.is_plain and second is None
    ]
    if any(name.system not in (_UNIX, _DARWIN) or not _is_utf8(name.raw) for name in unmarked):
        raise ArchiveError(f"its names are not marked as UTF-8; rename the files to ASCII, or {PACK_AGAIN}")
    return [_decode(name, second) for name, second in zip(names, seconds, strict=True)]


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _second_name(raw: bytes, body: bytes) -> str:
    """Return the name in a Unicode path field."""
    if len(body) >= _SECOND_NAME.size:
        version, crc = _SECOND_NAME.unpack_from(body)
        text = body[_SECOND_NAME.size :]
        if version == 1 and crc == zlib.crc32(raw) and _is_utf8(text):
            return text.decode()
    raise ArchiveError(f"{quoted_name(raw)} has a malformed second name; {PACK_AGAIN}")


def _decode(name: RawName, second: str | None) -> str:
    if name.utf8 and not _is_utf8(name.raw):
        raise ArchiveError("a name is not text")
    readings = {name.raw.decode()} if _is_utf8(name.raw) else set()
    if not name.utf8:
        readings |= {name.raw.decode("cp437")} if second is not None else set()
    if second is None:
        (reading,) = readings
        return reading
    if second not in readings:
        raise ArchiveError(
            f"{quoted_name(name.raw)} has a second name that differs, {quoted_name(second)}; {PACK_AGAIN}"
        )
    return second


def compose_names(names: Sequence[str]) -> list[str]:
    """Return names in the form in which ``import`` looks for them, if that of a Python file is another.

    Macs store an accent as a character of its own (NFD); Python composes what it imports (NFC), and finds
    such a file on a Mac alone. Other names, and characters that NFC would replace, stay as they are.
    """
    if any(name.endswith(".py") and _is_decomposed(name) for name in names):
        return [unicodedata.normalize("NFC", name) if _is_decomposed(name) else name for name in names]
    return list(names)


def _is_decomposed(name: str) -> bool:
    return unicodedata.is_normalized("NFD", name) and not unicodedata.is_normalized("NFC", name)


def check_names(names: Sequence[str]) -> None:
    """Require plain, distinct names.

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


def _check_plain(name: str) -> None:
    parts = name.removesuffix("/").split("/")
    if sanitize(name) != name or "\n" in name or "\t" in name:
        reason = "has characters that cannot be displayed"
    elif "\\" in name:
        reason = f"has a backslash; folders are separated by /; {PACK_AGAIN}"
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
