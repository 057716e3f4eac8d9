"""The entries of a zip archive: the directory's records, and the local headers and data that they name."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runner.parsers.zip64 import merge_directory_entry
from runner.parsers.zip_names import (
    PACK_AGAIN,
    RawName,
    quoted_name,
    refuse,
    refuse_layout,
)
from runner.parsers.zip_records import (
    FIELD_SECOND_NAME,
    FIELD_ZIP64,
    FULL,
    DirectoryEntry,
    EndRecord,
    LocalHeader,
    descriptors,
    extra_fields,
)

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
class Entry:
    """An entry as the directory states it."""

    name: RawName
    record: DirectoryEntry
    """With all its numbers, of which some may have been in a zip64 field."""
    in_zip64: bool
    """Whether the directory has a zip64 field for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedData:
    """Where the packed data of an entry are."""

    start: int
    end: int
    end_of_entry: int
    second_name: bytes | None
    """In the local header."""


def read_directory(data: bytes, end: int, end_record: EndRecord) -> Iterator[Entry]:
    """Yield the entries of the directory, which ends at an offset.

    Raises:
        ArchiveError: the directory is malformed, or an entry is no plain file or folder.
    """
    offset = end_record.directory_offset
    for _ in range(end_record.entries):
        if end - offset < DirectoryEntry.LAYOUT.size:
            refuse_layout("its directory is shorter than its number of entries")
        record = DirectoryEntry.read(data, offset)
        system = data[offset + DirectoryEntry.SYSTEM_OFFSET]
        offset += DirectoryEntry.LAYOUT.size
        if record.signature != DirectoryEntry.SIGNATURE:
            refuse_layout("its directory is malformed")
        if end - offset < record.name_bytes + record.extra_bytes + record.comment_bytes:
            refuse_layout("its directory is shorter than its names")
        if record.name_bytes > _MAX_NAME_BYTES:
            refuse("a name is too long")
        raw_name = data[offset : offset + record.name_bytes]
        offset += record.name_bytes
        extra = _extra(data, offset, record.extra_bytes, raw_name)
        record = merge_directory_entry(raw_name, record, extra.get(FIELD_ZIP64))
        offset += record.extra_bytes + record.comment_bytes
        _check_type(raw_name, record)
        _check_sizes(raw_name, record)
        name = RawName(
            raw=raw_name,
            utf8=bool(record.flags & _UTF8),
            system=system,
            second=extra.get(FIELD_SECOND_NAME),
        )
        yield Entry(name=name, record=record, in_zip64=FIELD_ZIP64 in extra)
    if offset != end:
        refuse_layout("its directory is longer than its number of entries")


def _extra(data: bytes, offset: int, length: int, name: bytes) -> dict[int, bytes]:
    """Return the bodies of an entry's extra fields by tag."""
    if length > _MAX_EXTRA_BYTES:
        refuse_layout(f"{quoted_name(name)} has too many extra fields")
    try:
        fields = list(extra_fields(data[offset : offset + length]))
    except ValueError:
        refuse_layout(f"{quoted_name(name)} has malformed extra fields")
    by_tag = dict(fields)
    if by_tag.keys() & {FIELD_ZIP64, FIELD_SECOND_NAME} and len(by_tag) != len(fields):
        refuse_layout(f"{quoted_name(name)} has malformed extra fields")
    return by_tag


def _check_type(name: bytes, record: DirectoryEntry) -> None:
    if record.flags & _ENCRYPTED:
        refuse(f"{quoted_name(name)} is encrypted; pack the files without a password")
    if record.method not in (_STORED, _DEFLATED):
        refuse(
            f"{quoted_name(name)} is compressed by method {record.method}; "
            f"only stored and deflated are supported; {PACK_AGAIN}"
        )
    if record.flags & ~_KNOWN_FLAGS or record.version > _NEWEST_VERSION:
        refuse_layout(f"{quoted_name(name)} requires features that are not supported")
    file_type = (record.attributes >> 16) & _TYPE_MASK
    if file_type not in (0, _REGULAR, _FOLDER):
        refuse(f"{quoted_name(name)} is a link or a device; a submission must be plain files")
    if file_type and (file_type == _FOLDER) != name.endswith(b"/"):
        refuse_layout(
            f"{quoted_name(name)} is a file by its name and a folder by its mode, or the other way round"
        )


def _check_sizes(name: bytes, record: DirectoryEntry) -> None:
    packed, unpacked = record.packed_bytes, record.unpacked_bytes
    if record.disk:
        refuse(f"{quoted_name(name)} is on another disk; pack the files as a single archive")
    if name.endswith(b"/") and unpacked:
        refuse_layout(f"{quoted_name(name)} is a folder with content of its own")
    if record.method == _STORED and packed != unpacked:
        refuse_layout(f"{quoted_name(name)} is stored, yet has two different sizes")
    if record.method == _DEFLATED and unpacked > _MAX_RATIO * packed:
        refuse_layout(f"{quoted_name(name)} claims more than it can hold")


def check_contiguous(data: bytes, entries: Sequence[Entry], end: int) -> list[PackedData]:
    """Require that the entries fill the archive up to its directory, without gap or overlap.

    Returns:
        Where the data of each are, in the order of the entries.

    Raises:
        ArchiveError: something else is there, or a local header contradicts the directory.
    """
    offset, places = 0, dict[int, PackedData]()
    for entry in sorted(entries, key=lambda entry: entry.record.offset):
        if entry.record.offset != offset:
            refuse_layout(f"{quoted_name(entry.name.raw)} overlaps another entry, or something precedes it")
        places[offset] = place = _packed_data(data, entry, end)
        offset = place.end_of_entry
    if offset != end:
        refuse_layout("something is between its entries and its directory")
    return [places[entry.record.offset] for entry in entries]


def _packed_data(data: bytes, entry: Entry, end: int) -> PackedData:
    """Return where an entry's data are, requiring that its local header repeats the directory's record."""
    record, name_offset = entry.record, entry.record.offset + LocalHeader.LAYOUT.size
    if name_offset > end:
        refuse_layout(f"{quoted_name(entry.name.raw)} has no local header")
    local = LocalHeader.read(data, record.offset)
    extra_offset = name_offset + local.name_bytes
    end_of_data = extra_offset + local.extra_bytes + record.packed_bytes
    if local.signature != LocalHeader.SIGNATURE or end_of_data > end:
        refuse_layout(f"{quoted_name(entry.name.raw)} has no local header")
    extra = _extra(data, extra_offset, local.extra_bytes, entry.name.raw)
    streamed = bool(record.flags & _DESCRIPTOR_FOLLOWS)
    expected = (record.crc, record.packed_bytes, record.unpacked_bytes)
    agrees = all(
        value == due or (streamed and value == 0)  # a streaming writer knows some of them beforehand
        for sizes in _local_sizes(local, extra, entry.name.raw)
        for value, due in zip((local.crc, *sizes), expected, strict=True)
    )
    if (
        data[name_offset:extra_offset] != entry.name.raw
        or (local.flags ^ record.flags) & ~_DEFLATE_EFFORT
        or local.method != record.method
        or local.version > _NEWEST_VERSION
        or not agrees
    ):
        refuse_layout(f"{quoted_name(entry.name.raw)} has a local header that contradicts the directory")
    return PackedData(
        start=extra_offset + local.extra_bytes,
        end=end_of_data,
        end_of_entry=end_of_data + (_descriptor_bytes(data, end_of_data, entry) if streamed else 0),
        second_name=extra.get(FIELD_SECOND_NAME),
    )


def _descriptor_bytes(data: bytes, offset: int, entry: Entry) -> int:
    """Return the length of the descriptor at an offset, requiring that it repeats the directory's record."""
    record = entry.record
    forms = descriptors(
        crc=record.crc, packed_bytes=record.packed_bytes, unpacked_bytes=record.unpacked_bytes
    )
    present = next((form for form in forms if data.startswith(form, offset)), None)
    if present is None:
        refuse_layout(f"{quoted_name(entry.name.raw)} is followed by sizes that contradict the directory")
    return len(present)


def _local_sizes(local: LocalHeader, extra: Mapping[int, bytes], name: bytes) -> list[tuple[int, int]]:
    """Return every pair of packed and unpacked size that a local header states; all must be right."""
    sizes = [(local.packed_bytes, local.unpacked_bytes)]
    if FIELD_ZIP64 not in extra:  # a writer that does not know the size yet adds the field
        return sizes
    if len(extra[FIELD_ZIP64]) != 16:
        refuse_layout(f"{quoted_name(name)} is in zip64 form")
    if sizes == [(FULL, FULL)]:  # else both must agree: Python before 3.11.4 states the sizes twice
        sizes = []
    unpacked, packed = struct.unpack("<QQ", extra[FIELD_ZIP64])
    return [*sizes, (packed, unpacked)]
