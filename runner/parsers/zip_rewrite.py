"""Write an archive again in the plain form, from its records; the packed data are copied, not unpacked.

An archive that is not plain, but safe to read, is passed on in this form: with names marked as UTF-8, without
zip64, second names, dates and modes. So the run unpacks it as it was inspected.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_VERSION: Final = 20
_DATE: Final = 0x21
"""1980-01-01, the earliest date that zip can store."""
_UTF8: Final = 1 << 11


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedEntry:
    """What is copied of an entry."""

    name: str
    method: int
    crc: int
    data: memoryview
    """As it is packed."""
    unpacked_bytes: int


def plain_archive(entries: Iterable[PackedEntry]) -> bytes:
    """Return an archive of entries in their order; its bytes depend on the entries alone."""
    body, directory, count = bytearray(), bytearray(), 0
    for entry in entries:
        name = entry.name.encode()
        common = struct.pack(
            "<5H3L2H",
            *(_VERSION, 0 if name.isascii() else _UTF8, entry.method, 0, _DATE),
            *(entry.crc, len(entry.data), entry.unpacked_bytes),
            *(len(name), 0),
        )
        directory += struct.pack("<4sH", b"PK\1\2", _VERSION) + common
        directory += struct.pack("<3H2L", 0, 0, 0, 0, len(body)) + name
        body += b"PK\3\4" + common + name
        body += entry.data
        count += 1
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)
