"""The check of a zip archive before it is passed on; decided from its bytes, unpacking nothing.

Programs that read zip disagree where an archive contradicts itself. So one layout alone is accepted, which
every program reads alike: entries that follow each other from the first
byte on, each under a local header that repeats the directory's record, then the directory,
then the end record::

    header data [descriptor]   header data [descriptor]   …   directory   end record [comment]

Some ordinary programs write other forms that contradict themselves nowhere: zip64, names in UTF-8 that are
not marked or are stated twice, everything in one folder. These are accepted, and
`runner.parsers.zip_rewrite` writes them in the plain layout, which is what is passed on.

The number of entries is known before memory is used for them, and every field has a maximum
length, so that `MAX_ENTRIES` bounds time and memory. No data is decompressed: a
deflated entry may not claim more than deflate can hold, and no reader goes beyond that claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from runner.parsers.entry_file import ENTRY_FILE, is_wrapped, missing_entry_file, without_clutter
from runner.parsers.zip64 import merge_end_record
from runner.parsers.zip_entries import Entry, PackedData, check_contiguous, read_directory
from runner.parsers.zip_names import (
    check_names,
    compose_names,
    decode_names,
    quoted_name,
    refuse,
    refuse_layout,
)
from runner.parsers.zip_records import EndRecord, LocalHeader
from runner.parsers.zip_rewrite import PackedEntry, plain_archive

MAX_ARCHIVE_BYTES: Final = 100 << 20
"""A challenge may allow less."""
MAX_ENTRIES: Final = 2_000
MAX_UNPACKED_BYTES: Final = 200 << 20

_MAX_COMMENT_BYTES: Final = 0xFFFF
_KINDS: Final = {
    b"rar!": "a .rar archive",
    b"7z\xbc\xaf\x27\x1c": "a .7z archive",
    b"\x1f\x8b": "a gzip file",
    b"bzh": "a bzip2 file",
    b"\xfd7zxz": "an .xz file",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"version https://git-lfs": "a pointer of Git LFS",
}
"""How files begin, in lower case, that are handed in under the name of a zip archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveContents:
    """The content of an accepted archive."""

    names: tuple[str, ...]
    """As `zipfile` reads them in `archive`, in the directory's order; a folder's ends in a slash."""

    unpacked_bytes: int
    """Upper bound of what any reader unpacks from `archive`."""

    archive: bytes
    """What is passed on: the very archive if it is plain, else the same files in the plain layout."""

    entries: tuple[PackedEntry, ...] = field(repr=False, compare=False)
    """Of `archive`, in the directory's order; their data are views of it."""


def inspect_archive(data: bytes) -> ArchiveContents:
    """Accept an archive or raise the first problem.

    Raises:
        ArchiveError: the reason, as part of a sentence that may be shown to people.
    """
    end_record, directory_end, in_zip64 = _end_record(data)
    entries = list(read_directory(data, directory_end, end_record))
    unpacked_bytes = sum(entry.record.unpacked_bytes for entry in entries)
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        refuse(f"it claims {unpacked_bytes} bytes unpacked; {MAX_UNPACKED_BYTES >> 20} MiB are allowed")
    names = decode_names([entry.name for entry in entries])
    check_names(names)
    wrapped = is_wrapped(names)
    if ENTRY_FILE not in names and not wrapped:
        refuse(f"it {missing_entry_file(names)}")
    packed = check_contiguous(data, entries, end_record.directory_offset)
    _check_local_names(entries, packed, names)
    composed = compose_names(names)
    if (
        not (in_zip64 or wrapped or any(entry.in_zip64 for entry in entries))
        and all(entry.name.is_plain for entry in entries)
        and composed == names
        and all(place.second_name is None for place in packed)
    ):
        return ArchiveContents(
            names=tuple(names),
            unpacked_bytes=unpacked_bytes,
            archive=data,
            entries=tuple(_packed_entries(data, entries, packed, names)),
        )
    return inspect_archive(plain_archive(_entries_to_copy(data, entries, packed, composed, wrapped=wrapped)))


def _check_local_names(entries: Sequence[Entry], packed: Sequence[PackedData], names: Sequence[str]) -> None:
    """Require that second names in local headers are the names."""
    for entry, place, name in zip(entries, packed, names, strict=True):
        if place.second_name is None:
            continue
        if decode_names([replace(entry.name, second=place.second_name)]) != [name]:
            refuse_layout(f"{quoted_name(name)} has another name in its local header")


def _entries_to_copy(
    data: bytes,
    entries: Sequence[Entry],
    packed: Sequence[PackedData],
    names: Sequence[str],
    *,
    wrapped: bool,
) -> Iterator[PackedEntry]:
    """Yield the entries for the plain layout: without clutter, and without a folder around all of them."""
    due = set(without_clutter(names))
    for entry in _packed_entries(data, entries, packed, names):
        inner = entry.name.split("/", 1)[1] if wrapped and entry.name in due else entry.name
        if entry.name in due and inner:
            yield replace(entry, name=inner)


def _packed_entries(
    data: bytes, entries: Sequence[Entry], packed: Sequence[PackedData], names: Sequence[str]
) -> Iterator[PackedEntry]:
    view = memoryview(data)
    for entry, place, name in zip(entries, packed, names, strict=True):
        yield PackedEntry(
            name=name,
            method=entry.record.method,
            crc=entry.record.crc,
            data=view[place.start : place.end],
            unpacked_bytes=entry.record.unpacked_bytes,
        )


def _end_record(data: bytes) -> tuple[EndRecord, int, bool]:
    """Return the end record, the offset where the directory must end, and whether that is in zip64 form."""
    size = EndRecord.LAYOUT.size
    end = data.rfind(EndRecord.SIGNATURE, max(0, len(data) - size - _MAX_COMMENT_BYTES))
    if end < 0 or len(data) - end < size:
        refuse(_other_kind(data))
    record = EndRecord.read(data, end)
    if end + size + record.comment_bytes != len(data):
        refuse_layout("something follows its end")
    wide = merge_end_record(data, end, record)
    directory_end, record = wide or (end, record)
    if record.disk or record.first_disk or record.entries_here != record.entries:
        refuse("it is one part of several; pack it as a single file")
    if record.entries > MAX_ENTRIES:
        refuse(f"it has {record.entries} entries; {MAX_ENTRIES} are allowed")
    if record.directory_offset + record.directory_bytes != directory_end:
        refuse_layout("its directory is not where its end record claims, or something precedes it")
    return record, directory_end, wide is not None


def _other_kind(data: bytes) -> str:
    """Return what data without an end record are instead of an archive."""
    if data.startswith(LocalHeader.SIGNATURE):
        return "its end is missing, so it is not a zip archive; copy or download it again"
    for beginning, kind in _KINDS.items():
        if data[:32].lower().startswith(beginning):
            return f"it is not a zip archive but {kind}; hand in the folder itself, or pack it as .zip"
    return "it is not a zip archive"
