"""Whether a zip archive is plain enough to be passed on; decided from its bytes, unpacking nothing.

Readers of zip differ where an archive contradicts itself, so only one layout is accepted,
in which there is nothing to differ about: entries that lie one behind the other from the first
byte on, each under a local header that repeats what the directory says, then the directory,
then the end record::

    header data [descriptor]   header data [descriptor]   …   directory   end record [comment]

The number of entries is known before anything is kept for them, and every field has a length
limit, so that `MAX_ENTRIES` bounds time and memory. No data is decompressed: a
deflated entry may not claim more than deflate can hold, and no reader goes beyond that claim.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from runner.parsers.zip_names import ArchiveError, check_names, decode_name, quoted_name
from runner.parsers.zip_records import (
    DIRECTORY,
    DIRECTORY_SIGNATURE,
    END,
    END_SIGNATURE,
    FIELD_SECOND_NAME,
    FIELD_ZIP64,
    FULL,
    LOCAL,
    LOCAL_SIGNATURE,
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

_LONGEST_COMMENT: Final = 0xFFFF
_LONGEST_NAME: Final = 1_000
_LONGEST_EXTRA: Final = 1_024
_LARGEST_RATIO: Final = 1_032
"""Deflate's: a match of 258 bytes takes two bits at least."""

_STORED, _DEFLATED = 0, 8
_NEWEST_VERSION: Final = 45
_ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13
_DEFLATE_EFFORT: Final = 1 << 1 | 1 << 2
_DESCRIPTOR_FOLLOWS: Final = 1 << 3
_UTF8: Final = 1 << 11
_KNOWN_FLAGS: Final = _DEFLATE_EFFORT | _DESCRIPTOR_FOLLOWS | _UTF8

_KIND_MASK: Final = 0o170000
_REGULAR, _FOLDER = 0o100000, 0o040000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveContents:
    """What an accepted archive holds."""

    names: tuple[str, ...]
    """As `zipfile` reads them, in the directory's order; a folder's ends in a slash."""

    unpacked_bytes: int
    """No reader gets more out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: str
    raw_name: bytes
    said: DirectoryEntry


def inspect_archive(data: bytes) -> ArchiveContents:
    """Accept an archive, or say what is wrong with it.

    Raises:
        ArchiveError: with the reason as part of a sentence, fit to be shown.
    """
    end, record = _end_record(data)
    entries = list(_directory(data, end, record))
    unpacked = sum(entry.said.unpacked_bytes for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        _refuse(f"it claims {unpacked} bytes unpacked; {MAX_UNPACKED_BYTES >> 20} MiB are allowed")
    names = tuple(entry.name for entry in entries)
    check_names(names)
    _check_places(data, entries, record.directory_offset)
    return ArchiveContents(names=names, unpacked_bytes=unpacked)


def _refuse(reason: str) -> NoReturn:
    raise ArchiveError(reason)


def _end_record(data: bytes) -> tuple[int, EndRecord]:
    """Return the place of the end record and what it says."""
    room = END.size
    end = data.rfind(END_SIGNATURE, max(0, len(data) - room - _LONGEST_COMMENT))
    if end < 0 or len(data) - end < room:
        _refuse("it is no zip archive")
    record = EndRecord.read(data, end)
    if end + room + record.comment_bytes != len(data):
        _refuse("something follows its end")
    if data.startswith(LOCATOR_SIGNATURE, max(0, end - LOCATOR_BYTES)):
        _refuse("it is in zip64 form, which so small an archive has no need of")
    if record.disk or record.first_disk or record.entries_here != record.entries:
        _refuse("it is one part of several")
    if record.entries > MAX_ENTRIES:
        _refuse(f"it has {record.entries} entries; {MAX_ENTRIES} are allowed")
    if record.directory_offset + record.directory_bytes != end:
        _refuse("its directory is not where its end says, or something precedes it")
    return end, record


def _directory(data: bytes, end: int, record: EndRecord) -> Iterator[_Entry]:
    place = record.directory_offset
    for _ in range(record.entries):
        if end - place < DIRECTORY.size:
            _refuse("its directory is shorter than its number of entries")
        said = DirectoryEntry.read(data, place)
        place += DIRECTORY.size
        if said.signature != DIRECTORY_SIGNATURE:
            _refuse("its directory is malformed")
        if end - place < said.name_bytes + said.extra_bytes + said.comment_bytes:
            _refuse("its directory is shorter than its names")
        if said.name_bytes > _LONGEST_NAME:
            _refuse("a name is too long")
        raw_name = data[place : place + said.name_bytes]
        name = decode_name(raw_name, utf8=bool(said.flags & _UTF8))
        place += said.name_bytes
        if FIELD_ZIP64 in _extra(data, place, said.extra_bytes, name):
            _refuse(f"{quoted_name(name)} is in zip64 form")
        place += said.extra_bytes + said.comment_bytes
        _check_kind(name, said)
        _check_sizes(name, said)
        yield _Entry(name=name, raw_name=raw_name, said=said)
    if place != end:
        _refuse("its directory is longer than its number of entries")


def _extra(data: bytes, place: int, length: int, name: str) -> dict[int, bytes]:
    if length > _LONGEST_EXTRA:
        _refuse(f"{quoted_name(name)} has too many extra fields")
    try:
        fields = list(extra_fields(data[place : place + length]))
    except ValueError:
        _refuse(f"{quoted_name(name)} has malformed extra fields")
    found = dict(fields)
    if FIELD_SECOND_NAME in found:
        _refuse(f"{quoted_name(name)} has a second name, which some readers would use")
    if FIELD_ZIP64 in found and len(found) != len(fields):
        _refuse(f"{quoted_name(name)} has malformed extra fields")
    return found


def _check_kind(name: str, said: DirectoryEntry) -> None:
    if said.flags & _ENCRYPTED:
        _refuse(f"{quoted_name(name)} is encrypted")
    if said.method not in (_STORED, _DEFLATED):
        _refuse(
            f"{quoted_name(name)} is compressed by method {said.method}; only stored and deflated are read"
        )
    if said.flags & ~_KNOWN_FLAGS or said.version > _NEWEST_VERSION:
        _refuse(f"{quoted_name(name)} asks for features that are not read")
    kind = (said.attributes >> 16) & _KIND_MASK
    if kind not in (0, _REGULAR, _FOLDER):
        _refuse(f"{quoted_name(name)} is a link or a device; a submission must be plain files")
    if kind and (kind == _FOLDER) != name.endswith("/"):
        _refuse(f"{quoted_name(name)} is a file by its name and a folder by its mode, or the other way round")


def _check_sizes(name: str, said: DirectoryEntry) -> None:
    packed, unpacked = said.packed_bytes, said.unpacked_bytes
    if said.disk or FULL in (packed, unpacked, said.offset):
        _refuse(f"{quoted_name(name)} is in zip64 form or on another disk")
    if name.endswith("/") and unpacked:
        _refuse(f"{quoted_name(name)} is a folder with content of its own")
    if said.method == _STORED and packed != unpacked:
        _refuse(f"{quoted_name(name)} is stored, yet of two sizes")
    if said.method == _DEFLATED and unpacked > _LARGEST_RATIO * packed:
        _refuse(f"{quoted_name(name)} claims more than it can hold")


def _check_places(data: bytes, entries: list[_Entry], end: int) -> None:
    """Require that the entries fill the archive up to its directory, without gap or overlap."""
    place = 0
    for entry in sorted(entries, key=lambda one: one.said.offset):
        if entry.said.offset != place:
            _refuse(f"{quoted_name(entry.name)} overlaps another entry, or something stands before it")
        place = _behind(data, entry, end)
    if place != end:
        _refuse("something stands between its entries and its directory")


def _behind(data: bytes, entry: _Entry, end: int) -> int:
    """Return the place behind an entry whose local header says what the directory says."""
    said, place = entry.said, entry.said.offset + LOCAL.size
    if place > end:
        _refuse(f"{quoted_name(entry.name)} has no local header")
    local = LocalHeader.read(data, said.offset)
    behind = place + local.name_bytes + local.extra_bytes + said.packed_bytes
    if local.signature != LOCAL_SIGNATURE or behind > end:
        _refuse(f"{quoted_name(entry.name)} has no local header")
    extra = _extra(data, place + local.name_bytes, local.extra_bytes, entry.name)
    said_here = [(local.packed_bytes, local.unpacked_bytes)]
    if FIELD_ZIP64 in extra:  # what a writer prepares that does not know the size yet
        if len(extra[FIELD_ZIP64]) != 16:
            _refuse(f"{quoted_name(entry.name)} is in zip64 form")
        if said_here == [(FULL, FULL)]:  # else both must agree: Python's before 3.11.4 says it twice
            said_here = []
        unpacked, packed = struct.unpack("<QQ", extra[FIELD_ZIP64])
        said_here.append((packed, unpacked))
    streamed = bool(said.flags & _DESCRIPTOR_FOLLOWS)
    wanted = (said.crc, said.packed_bytes, said.unpacked_bytes)
    agrees = all(
        known == due or (streamed and known == 0)  # a streaming writer knows some of them beforehand
        for sizes in said_here
        for known, due in zip((local.crc, *sizes), wanted, strict=True)
    )
    if (
        data[place : place + local.name_bytes] != entry.raw_name
        or (local.flags ^ said.flags) & ~_DEFLATE_EFFORT
        or local.method != said.method
        or local.version > _NEWEST_VERSION
        or not agrees
    ):
        _refuse(f"{quoted_name(entry.name)} has a local header that contradicts the directory")
    if not streamed:
        return behind
    for form in descriptors(crc=said.crc, packed_bytes=said.packed_bytes, unpacked_bytes=said.unpacked_bytes):
        if data.startswith(form, behind):
            return behind + len(form)
    _refuse(f"{quoted_name(entry.name)} is followed by sizes that contradict the directory")
