"""The check of a zip archive before it is passed on; decided from its bytes, unpacking nothing.

Programs that read zip disagree where an archive contradicts itself. So one layout alone is accepted, which
every program reads alike: entries that follow each other from the first
byte on, each under a local header that repeats the directory's record, then the directory,
then the end record::

    header data [descriptor]   header data [descriptor]   …   directory   end record [comment]

The number of entries is known before memory is used for them, and every field has a maximum
length, so that `MAX_ENTRIES` bounds time and memory. No data is decompressed: a
deflated entry may not claim more than deflate can hold, and no reader goes beyond that claim.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from runner.parsers.zip_names import ArchiveError, check_names, decode_name, quoted_name
from runner.parsers.zip_records import (
    FIELD_SECOND_NAME,
    FIELD_ZIP64,
    FULL,
    LOCATOR_BYTES,
    LOCATOR_SIGNATURE,
    DirectoryEntry,
    EndRecord,
    LocalHeader,
    descriptors,
    extra_fields,
)

MAX_ENTRIES: Final = 2_000
MAX_UNPACKED_BYTES: Final = 200 << 20

_MAX_COMMENT_BYTES: Final = 0xFFFF
_MAX_NAME_BYTES: Final = 1_000
_MAX_EXTRA_BYTES: Final = 1_024
_MAX_RATIO: Final = 1_032
"""Deflate's: a match of 258 bytes takes at least two bits."""

_STORED, _DEFLATED = 0, 8
_NEWEST_VERSION: Final = 45
_ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13
_DEFLATE_EFFORT: Final = 1 << 1 | 1 << 2
_DESCRIPTOR_FOLLOWS: Final = 1 << 3
_UTF8: Final = 1 << 11
_KNOWN_FLAGS: Final = _DEFLATE_EFFORT | _DESCRIPTOR_FOLLOWS | _UTF8

_TYPE_MASK: Final = 0o170000
_REGULAR, _FOLDER = 0o100000, 0o040000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveContents:
    """The content of an accepted archive."""

    names: tuple[str, ...]
    """As `zipfile` reads them, in the directory's order; a folder's ends in a slash."""

    unpacked_bytes: int
    """Upper bound of what any reader unpacks from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: str
    raw_name: bytes
    record: DirectoryEntry


def inspect_archive(data: bytes) -> ArchiveContents:
    """Accept an archive or raise the first problem.

    Raises:
        ArchiveError: the reason, as part of a sentence that may be shown to people.
    """
    end, end_record = _end_record(data)
    entries = list(_directory(data, end, end_record))
    unpacked_bytes = sum(entry.record.unpacked_bytes for entry in entries)
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        _refuse(f"it claims {unpacked_bytes} bytes unpacked; {MAX_UNPACKED_BYTES >> 20} MiB are allowed")
    names = tuple(entry.name for entry in entries)
    check_names(names)
    _check_contiguous(data, entries, end_record.directory_offset)
    return ArchiveContents(names=names, unpacked_bytes=unpacked_bytes)


def _refuse(reason: str) -> NoReturn:
    raise ArchiveError(reason)


def _end_record(data: bytes) -> tuple[int, EndRecord]:
    """Return the offset of the end record, and the record."""
    size = EndRecord.LAYOUT.size
    end = data.rfind(EndRecord.SIGNATURE, max(0, len(data) - size - _MAX_COMMENT_BYTES))
    if end < 0 or len(data) - end < size:
        _refuse("it is not a zip archive")
    record = EndRecord.read(data, end)
    if end + size + record.comment_bytes != len(data):
        _refuse("something follows its end")
    if data.startswith(LOCATOR_SIGNATURE, max(0, end - LOCATOR_BYTES)):
        _refuse("zip64 is not supported")
    if record.disk or record.first_disk or record.entries_here != record.entries:
        _refuse("it is one part of several")
    if record.entries > MAX_ENTRIES:
        _refuse(f"it has {record.entries} entries; {MAX_ENTRIES} are allowed")
    if record.directory_offset + record.directory_bytes != end:
        _refuse("its directory is not where its end record claims, or something precedes it")
    return end, record


def _directory(data: bytes, end: int, end_record: EndRecord) -> Iterator[_Entry]:
    offset = end_record.directory_offset
    for _ in range(end_record.entries):
        if end - offset < DirectoryEntry.LAYOUT.size:
            _refuse("its directory is shorter than its number of entries")
        record = DirectoryEntry.read(data, offset)
        offset += DirectoryEntry.LAYOUT.size
        if record.signature != DirectoryEntry.SIGNATURE:
            _refuse("its directory is malformed")
        if end - offset < record.name_bytes + record.extra_bytes + record.comment_bytes:
            _refuse("its directory is shorter than its names")
        if record.name_bytes > _MAX_NAME_BYTES:
            _refuse("a name is too long")
        raw_name = data[offset : offset + record.name_bytes]
        name = decode_name(raw_name, utf8=bool(record.flags & _UTF8))
        offset += record.name_bytes
        if FIELD_ZIP64 in _extra(data, offset, record.extra_bytes, name):
            _refuse(f"{quoted_name(name)} is in zip64 form")
        offset += record.extra_bytes + record.comment_bytes
        _check_type(name, record)
        _check_sizes(name, record)
        yield _Entry(name=name, raw_name=raw_name, record=record)
    if offset != end:
        _refuse("its directory is longer than its number of entries")


def _extra(data: bytes, offset: int, length: int, name: str) -> dict[int, bytes]:
    """Return the bodies of an entry's extra fields by tag."""
    if length > _MAX_EXTRA_BYTES:
        _refuse(f"{quoted_name(name)} has too many extra fields")
    try:
        fields = list(extra_fields(data[offset : offset + length]))
    except ValueError:
        _refuse(f"{quoted_name(name)} has malformed extra fields")
    by_tag = dict(fields)
    if FIELD_SECOND_NAME in by_tag:
        _refuse(f"{quoted_name(name)} has a second name, which some readers would use")
    if FIELD_ZIP64 in by_tag and len(by_tag) != len(fields):
        _refuse(f"{quoted_name(name)} has malformed extra fields")
    return by_tag


def _check_type(name: str, record: DirectoryEntry) -> None:
    if record.flags & _ENCRYPTED:
        _refuse(f"{quoted_name(name)} is encrypted")
    if record.method not in (_STORED, _DEFLATED):
        _refuse(
            f"{quoted_name(name)} is compressed by method {record.method}; "
            "only stored and deflated are supported"
        )
    if record.flags & ~_KNOWN_FLAGS or record.version > _NEWEST_VERSION:
        _refuse(f"{quoted_name(name)} requires features that are not supported")
    file_type = (record.attributes >> 16) & _TYPE_MASK
    if file_type not in (0, _REGULAR, _FOLDER):
        _refuse(f"{quoted_name(name)} is a link or a device; a submission must be plain files")
    if file_type and (file_type == _FOLDER) != name.endswith("/"):
        _refuse(f"{quoted_name(name)} is a file by its name and a folder by its mode, or the other way round")


def _check_sizes(name: str, record: DirectoryEntry) -> None:
    packed, unpacked = record.packed_bytes, record.unpacked_bytes
    if record.disk or FULL in (packed, unpacked, record.offset):
        _refuse(f"{quoted_name(name)} is in zip64 form or on another disk")
    if name.endswith("/") and unpacked:
        _refuse(f"{quoted_name(name)} is a folder with content of its own")
    if record.method == _STORED and packed != unpacked:
        _refuse(f"{quoted_name(name)} is stored, yet has two different sizes")
    if record.method == _DEFLATED and unpacked > _MAX_RATIO * packed:
        _refuse(f"{quoted_name(name)} claims more than it can hold")


def _check_contiguous(data: bytes, entries: list[_Entry], end: int) -> None:
    """Require that the entries fill the archive up to its directory, without gap or overlap."""
    offset = 0
    for entry in sorted(entries, key=lambda entry: entry.record.offset):
        if entry.record.offset != offset:
            _refuse(f"{quoted_name(entry.name)} overlaps another entry, or something precedes it")
        offset = _end_of_entry(data, entry, end)
    if offset != end:
        _refuse("something is between its entries and its directory")


def _end_of_entry(data: bytes, entry: _Entry, end: int) -> int:
    """Return the offset behind an entry, requiring that its local header repeats the directory's record."""
    record, name_offset = entry.record, entry.record.offset + LocalHeader.LAYOUT.size
    if name_offset > end:
        _refuse(f"{quoted_name(entry.name)} has no local header")
    local = LocalHeader.read(data, record.offset)
    extra_offset = name_offset + local.name_bytes
    end_of_data = extra_offset + local.extra_bytes + record.packed_bytes
    if local.signature != LocalHeader.SIGNATURE or end_of_data > end:
        _refuse(f"{quoted_name(entry.name)} has no local header")
    extra = _extra(data, extra_offset, local.extra_bytes, entry.name)
    streamed = bool(record.flags & _DESCRIPTOR_FOLLOWS)
    expected = (record.crc, record.packed_bytes, record.unpacked_bytes)
    agrees = all(
        value == due or (streamed and value == 0)  # a streaming writer knows some of them beforehand
        for sizes in _local_sizes(local, extra, entry.name)
        for value, due in zip((local.crc, *sizes), expected, strict=True)
    )
    if (
        data[name_offset:extra_offset] != entry.raw_name
        or (local.flags ^ record.flags) & ~_DEFLATE_EFFORT
        or local.method != record.method
        or local.version > _NEWEST_VERSION
        or not agrees
    ):
        _refuse(f"{quoted_name(entry.name)} has a local header that contradicts the directory")
    if not streamed:
        return end_of_data
    crc, packed, unpacked = expected
    for form in descriptors(crc=crc, packed_bytes=packed, unpacked_bytes=unpacked):
        if data.startswith(form, end_of_data):
            return end_of_data + len(form)
    _refuse(f"{quoted_name(entry.name)} is followed by sizes that contradict the directory")


def _local_sizes(local: LocalHeader, extra: Mapping[int, bytes], name: str) -> list[tuple[int, int]]:
    """Return every pair of packed and unpacked size that a local header states; all must be right."""
    sizes = [(local.packed_bytes, local.unpacked_bytes)]
    if FIELD_ZIP64 not in extra:  # a writer that does not know the size yet adds the field
        return sizes
    if len(extra[FIELD_ZIP64]) != 16:
        _refuse(f"{quoted_name(name)} is in zip64 form")
    if sizes == [(FULL, FULL)]:  # else both must agree: Python before 3.11.4 states the sizes twice
        sizes = []
    unpacked, packed = struct.unpack("<QQ", extra[FIELD_ZIP64])
    return [*sizes, (packed, unpacked)]
