"""The records of a zip archive, field by field: what they claim, unchecked.

Source: PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Self

FIELD_ZIP64: Final = 0x0001
FIELD_SECOND_NAME: Final = 0x7075
"""Info-ZIP's Unicode path: some readers prefer it to the name, others do not know it."""

FULL: Final = 0xFFFF_FFFF
"""In place of a 32-bit number: the number is in a zip64 record."""
FULL_16: Final = 0xFFFF
"""The same, for a 16-bit number."""

_DESCRIPTOR_SIGNATURE: Final = b"PK\7\x08"
_FIELD: Final = struct.Struct("<HH")


@dataclass(frozen=True, slots=True)
class _Record:
    """A record of fixed length; its fields have the order in which dataclass inheritance lists them."""

    LAYOUT: ClassVar[struct.Struct]
    SIGNATURE: ClassVar[bytes]

    signature: bytes

    @classmethod
    def read(cls, data: bytes, offset: int) -> Self:
        """Read the record at an offset, from which `LAYOUT.size` bytes must be present."""
        return cls(*cls.LAYOUT.unpack_from(data, offset))


@dataclass(frozen=True, slots=True)
class EndRecord(_Record):
    """The last record: where the directory is."""

    LAYOUT = struct.Struct("<4s4H2LH")
    SIGNATURE = b"PK\5\6"

    disk: int
    first_disk: int
    entries_here: int
    entries: int
    directory_bytes: int
    directory_offset: int
    comment_bytes: int


@dataclass(frozen=True, slots=True)
class Zip64EndRecord(_Record):
    """The end record's numbers in 64 bits; the locator follows it."""

    LAYOUT = struct.Struct("<4sQ4x2L4Q")
    """Without the writer's and the needed version (4x)."""
    SIGNATURE = b"PK\6\6"
    LENGTH_COUNTS_FROM: ClassVar[int] = 12

    length: int
    """Of what follows this field."""
    disk: int
    first_disk: int
    entries_here: int
    entries: int
    directory_bytes: int
    directory_offset: int


@dataclass(frozen=True, slots=True)
class Zip64Locator(_Record):
    """Where the zip64 end record is; the end record follows it."""

    LAYOUT = struct.Struct("<4sLQL")
    SIGNATURE = b"PK\6\7"

    disk: int
    offset: int
    disks: int


@dataclass(frozen=True, slots=True)
class _EntryRecord(_Record):
    """The fields that the directory and a local header both have."""

    version: int
    flags: int
    method: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    name_bytes: int
    extra_bytes: int


_ENTRY_FIELDS: Final = "Bx2H4x3L2H"
"""`_EntryRecord`'s, without the system (x) and the time and date (4x), which nothing depends on."""


@dataclass(frozen=True, slots=True)
class DirectoryEntry(_EntryRecord):
    """The directory's record of one entry; name, extra fields and comment follow it."""

    LAYOUT = struct.Struct(f"<4s2x{_ENTRY_FIELDS}2H2xLL")
    """Without the writer's version and system (2x in front) and the internal attributes (2x)."""
    SIGNATURE = b"PK\1\2"
    SYSTEM_OFFSET: ClassVar[int] = 5
    """Of the byte that says on which system the entry was made; see `runner.parsers.zip_names`."""

    comment_bytes: int
    disk: int
    attributes: int
    offset: int


@dataclass(frozen=True, slots=True)
class LocalHeader(_EntryRecord):
    """The record before an entry's data; name and extra fields are between them."""

    LAYOUT = struct.Struct(f"<4s{_ENTRY_FIELDS}")
    SIGNATURE = b"PK\3\4"


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the body of each extra field.

    Raises:
        ValueError: the fields do not fill ``extra`` exactly.
    """
    offset = 0
    while offset < len(extra):
        if len(extra) - offset < _FIELD.size:
            raise ValueError("a field is cut off")
        tag, length = _FIELD.unpack_from(extra, offset)
        offset += _FIELD.size
        if length > len(extra) - offset:
            raise ValueError("a field is longer than the rest")
        yield tag, extra[offset : offset + length]
        offset += length


def descriptors(*, crc: int, packed_bytes: int, unpacked_bytes: int) -> list[bytes]:
    """Return the four forms that the descriptor behind streamed data may have, longest first."""
    long, short = (struct.pack(form, crc, packed_bytes, unpacked_bytes) for form in ("<LQQ", "<LLL"))
    return [_DESCRIPTOR_SIGNATURE + long, _DESCRIPTOR_SIGNATURE + short, long, short]
