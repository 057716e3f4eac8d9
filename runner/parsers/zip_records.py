"""The records of a zip archive, field by field: what they say, not whether it is true.

Source: PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, Self

FIELD_ZIP64: Final = 0x0001
FIELD_SECOND_NAME: Final = 0x7075
"""Info-ZIP's: some readers prefer it to the name, others know nothing of it."""

FULL: Final = 0xFFFF_FFFF
"""Where a 32-bit number should be, it says that zip64 has it elsewhere."""

LOCATOR_SIGNATURE: Final = b"PK\6\7"
LOCATOR_BYTES: Final = 20
"""Of zip64's locator, which stands before the end record where there is one."""

END_SIGNATURE: Final = b"PK\5\6"
END: Final = struct.Struct("<4s4H2LH")

DIRECTORY_SIGNATURE: Final = b"PK\1\2"
DIRECTORY: Final = struct.Struct("<4s2B2B4H3L5H2L")

LOCAL_SIGNATURE: Final = b"PK\3\4"
LOCAL: Final = struct.Struct("<4s2B4H3L2H")

_DESCRIPTOR_SIGNATURE: Final = b"PK\7\x08"
_FIELD: Final = struct.Struct("<HH")


class EndRecord(NamedTuple):
    """The last record, which says where the directory is."""

    signature: bytes
    disk: int
    first_disk: int
    entries_here: int
    entries: int
    directory_bytes: int
    directory_offset: int
    comment_bytes: int

    @classmethod
    def read(cls, data: bytes, place: int) -> Self:
        """Read what stands there; there must be room for it."""
        return cls._make(END.unpack_from(data, place))


class DirectoryEntry(NamedTuple):
    """The directory's record of one entry; name, extra fields and comment follow it."""

    signature: bytes
    made_by: int
    made_on: int
    version: int
    system: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    name_bytes: int
    extra_bytes: int
    comment_bytes: int
    disk: int
    internal_attributes: int
    attributes: int
    offset: int

    @classmethod
    def read(cls, data: bytes, place: int) -> Self:
        """Read what stands there; there must be room for it."""
        return cls._make(DIRECTORY.unpack_from(data, place))


class LocalHeader(NamedTuple):
    """The record before an entry's data; name and extra fields stand between them."""

    signature: bytes
    version: int
    system: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    name_bytes: int
    extra_bytes: int

    @classmethod
    def read(cls, data: bytes, place: int) -> Self:
        """Read what stands there; there must be room for it."""
        return cls._make(LOCAL.unpack_from(data, place))


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the body of each extra field.

    Raises:
        ValueError: they do not fill their place exactly.
    """
    place = 0
    while place < len(extra):
        if len(extra) - place < _FIELD.size:
            raise ValueError("a field is cut")
        tag, length = _FIELD.unpack_from(extra, place)
        place += _FIELD.size
        if length > len(extra) - place:
            raise ValueError("a field is longer than its place")
        yield tag, extra[place : place + length]
        place += length


def descriptors(*, crc: int, packed_bytes: int, unpacked_bytes: int) -> list[bytes]:
    """Return the four forms that the descriptor behind streamed data may have, longest first."""
    long, short = (struct.pack(form, crc, packed_bytes, unpacked_bytes) for form in ("<LQQ", "<LLL"))
    return [_DESCRIPTOR_SIGNATURE + long, _DESCRIPTOR_SIGNATURE + short, long, short]
