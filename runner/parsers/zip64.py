"""Zip64: numbers of 64 bits beside the ordinary ones; accepted where both agree and fit.

Programs that write into a pipe use this form for archives of any size: they do not know the size beforehand.
`runner.parsers.zip_rewrite` writes such an archive again without it.

Source: PKWARE's APPNOTE 6.3.10, sections 4.3.14, 4.3.15 and 4.5.3.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Final

from runner.parsers.zip_names import PACK_AGAIN, ArchiveError, quoted_name
from runner.parsers.zip_records import (
    FULL,
    FULL_16,
    DirectoryEntry,
    EndRecord,
    Zip64EndRecord,
    Zip64Locator,
)

_END_FIELDS: Final = {
    "disk": FULL_16,
    "first_disk": FULL_16,
    "entries_here": FULL_16,
    "entries": FULL_16,
    "directory_bytes": FULL,
    "directory_offset": FULL,
}
"""The numbers of an end record, and what is in their place if they are in the zip64 end record alone."""

_ENTRY_FIELDS: Final = (
    ("unpacked_bytes", FULL, "Q"),
    ("packed_bytes", FULL, "Q"),
    ("offset", FULL, "Q"),
    ("disk", FULL_16, "L"),
)
"""The same for a directory's record, in the order of its zip64 field, with their forms there."""


def merge_end_record(data: bytes, end: int, record: EndRecord) -> tuple[int, EndRecord] | None:
    """Return where the directory must end and the end record with all its numbers, or None without zip64.

    Args:
        data: The archive.
        end: Offset of the end record.
        record: The end record.

    Raises:
        ArchiveError: the records contradict each other, or have a form that no small archive has.
    """
    locator_offset = end - Zip64Locator.LAYOUT.size
    if locator_offset < 0 or not data.startswith(Zip64Locator.SIGNATURE, locator_offset):
        return None
    locator = Zip64Locator.read(data, locator_offset)
    offset = locator_offset - Zip64EndRecord.LAYOUT.size
    if offset < 0 or locator.offset != offset or locator.disk or locator.disks > 1:
        raise ArchiveError(f"its zip64 locator contradicts the rest; {PACK_AGAIN}")
    wide = Zip64EndRecord.read(data, offset)
    length = Zip64EndRecord.LAYOUT.size - Zip64EndRecord.LENGTH_COUNTS_FROM
    if wide.signature != Zip64EndRecord.SIGNATURE or wide.length != length:
        raise ArchiveError(f"its zip64 end record is malformed; {PACK_AGAIN}")
    numbers = {name: getattr(wide, name) for name in _END_FIELDS}
    for name, elsewhere in _END_FIELDS.items():
        if getattr(record, name) not in (numbers[name], elsewhere):
            raise ArchiveError(f"its zip64 end record contradicts its end record; {PACK_AGAIN}")
    return offset, replace(record, **numbers)


def merge_directory_entry(raw_name: bytes, record: DirectoryEntry, field: bytes | None) -> DirectoryEntry:
    """Return a directory's record with all its numbers, of which some may be in its zip64 field.

    Args:
        raw_name: The entry's name, for the message.
        record: The record.
        field: The body of its zip64 field: exactly the numbers that the record lacks, or, if it lacks
            none, some of them again.

    Raises:
        ArchiveError: a number is missing, superfluous, or contradicts the record.
    """
    missing = [(name, form) for name, full, form in _ENTRY_FIELDS if getattr(record, name) == full]
    if field is None and not missing:
        return record
    body = field or b""
    forms = [missing] if missing else [[(n, f) for n, _, f in _ENTRY_FIELDS[:count]] for count in range(5)]
    for form in forms:
        layout = struct.Struct("<" + "".join(code for _, code in form))
        if layout.size == len(body):
            numbers = dict(zip((name for name, _ in form), layout.unpack(body), strict=True))
            if missing or all(getattr(record, name) == number for name, number in numbers.items()):
                return replace(record, **numbers)
    raise ArchiveError(f"{quoted_name(raw_name)} is in zip64 form with numbers that do not fit; {PACK_AGAIN}")
