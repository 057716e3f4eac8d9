"""Every archive that two readers could read differently is refused."""

from __future__ import annotations

import stat
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.fuzz.zips import Member, build, extra, in_zip64, second_name
from tests.support.untrusted.archives import MINE, ZEROS, refused_archive


def named(*names: bytes, utf8: bool = False) -> list[Member]:
    """Return a valid submission with more entries of these names."""
    flags = {"flags": 1 << 11} if utf8 else {}
    return [MINE, *(Member(name=name, directory=flags, local=flags) for name in names)]


NAMES = {
    "parent": (named(b"../evil.py"), "leads out of the archive"),
    "parent inside": (named(b"a/../../evil.py"), "leads out of the archive"),
    "parent at the end": (named(b"a/.."), "leads out of the archive"),
    "absolute": (named(b"/etc/passwd"), "is an absolute path"),
    "drive": (named(b"C:/evil.py"), "is an absolute path"),
    "drive, relative": (named(b"c:evil.py"), "is an absolute path"),
    "backslash": (named(b"..\\evil.py"), "has a backslash"),
    "share": (named(b"\\\\host\\share"), "has a backslash"),
    "nul": (named(b"a.py\0.txt"), "cannot be displayed"),
    "newline": (named(b"a\nunlearn: score 1.0.py"), "cannot be displayed"),
    "tab": (named(b"a\tb"), "cannot be displayed"),
    "escape": (named(b"\x1b]0;title\x07"), "cannot be displayed"),
    "delete": (named(b"a\x7f"), "cannot be displayed"),
    "bidi": (named("a\u202eyp.exe".encode(), utf8=True), "cannot be displayed"),
    "code page of DOS": (named("é".encode("cp437")), "names are not marked as UTF-8; rename"),
    "GBK": (named("数据.py".encode("gbk")), "names are not marked as UTF-8; rename"),
    "UTF-8 beside another": (named("é".encode(), b"\xff"), "names are not marked as UTF-8; rename"),
    "no UTF-8": (named(b"\xff.py", utf8=True), "not text"),
    "surrogate": (named(b"\xed\xa0\x80.py", utf8=True), "not text"),
    "empty": (named(b""), "not a plain path"),
    "slash": (named(b"/"), "is an absolute path"),
    "dot": (named(b"./a.py"), "not a plain path"),
    "double slash": (named(b"a//b.py"), "not a plain path"),
    "long part": (named(b"a" * 256), "too long"),
    "long name": (named(b"a/" * 501), "too long"),
    "twice": (named(b"submission.py"), '"submission.py" occurs twice'),
    "folder twice": (named(b"a/", b"a/"), '"a/" occurs twice'),
    "case": (named(b"Submission.PY"), '"Submission.PY" differs from "submission.py" in case or form only'),
    "forms": (named("é".encode(), "e\u0301".encode(), utf8=True), "in case or form only"),
    "file and folder": (named(b"a", b"a/b"), '"a" is both a file and a folder'),
    "file and folder, later": (named(b"a/b", b"a"), '"a" is both a file and a folder'),
    "file and folder's entry": (named(b"a", b"a/"), '"a" is both a file and a folder'),
    "submission.py is a folder": ([Member(name=b"submission.py/")], "no submission.py at its top"),
    "nothing": ([], "no submission.py at its top; it is empty"),
    "main.py": ([Member(name=b"main.py")], '"main.py"; rename the file that defines unlearning'),
    "deep": ([Member(name=b"a/b/submission.py")], 'no submission.py at its top, but in the folder "a/b"'),
    "other case": ([Member(name=b"Submission.py")], '"Submission.py"; rename it to submission.py'),
    "hidden ending": ([Member(name=b"x/submission.py.txt")], '"x/submission.py.txt"; rename it'),
    "notebook": ([Member(name=b"submission.ipynb")], '"submission.ipynb"; export it with: jupyter nbconvert'),
    "zip in a zip": ([Member(name=b"entry.zip")], '"entry.zip"; unpack it'),
    "other file": ([Member(name=b"-")], 'no submission.py at its top, but "-"'),
    "clutter": ([Member(name=b"__MACOSX/._submission.py")], "no submission.py at its top; it is empty"),
    "folder and more": (
        [Member(name=b"mine/"), Member(name=b"mine/submission.py"), Member(name=b"notes.txt")],
        'but in the folder "mine"; hand in the content of that folder',
    ),
    "two folders": (
        [Member(name=b"a/submission.py"), Member(name=b"b/submission.py")],
        'but 2 deeper: "a/submission.py", "b/submission.py"; hand in one folder at a time',
    ),
}


@pytest.mark.parametrize(("members", "reason"), NAMES.values(), ids=NAMES.keys())
def test_names(members: Sequence[Member], reason: str) -> None:
    """A name is a plain relative path of visible characters, once, and ``submission.py`` is one of them."""
    assert reason in refused_archive(build(members))


def lying(**directory: Any) -> bytes:
    """Return an archive whose second entry has other values in the directory."""
    return build([MINE, Member(name=b"a", data=b"1234", directory=directory)])


def local(**fields: Any) -> bytes:
    """Return an archive whose second entry has other values in its local header."""
    return build([MINE, Member(name=b"a", data=b"1234", local=fields)])


def both(**fields: Any) -> bytes:
    """Return an archive whose second entry has other values in both records."""
    return build([MINE, Member(name=b"a", data=b"1234", directory=fields, local=fields)])


def mode(kind: int, name: bytes = b"a") -> bytes:
    """Return an archive with an entry of a file type."""
    return build([MINE, Member(name=name, directory={"attributes": (kind | 0o777) << 16})])


ENTRIES = {
    "symbolic link": (mode(stat.S_IFLNK), '"a" is a link or a device'),
    "device": (mode(stat.S_IFCHR), "is a link or a device"),
    "disk": (mode(stat.S_IFBLK), "is a link or a device"),
    "named pipe": (mode(stat.S_IFIFO), "is a link or a device"),
    "socket": (mode(stat.S_IFSOCK), "is a link or a device"),
    "folder by mode": (mode(stat.S_IFDIR), "or the other way round"),
    "file by mode": (mode(stat.S_IFREG, b"a/"), "or the other way round"),
    "encrypted": (both(flags=1), '"a" is encrypted'),
    "strongly encrypted": (both(flags=1 << 6), "is encrypted"),
    "masked": (both(flags=1 << 13), "is encrypted"),
    "patch": (both(flags=1 << 5), "features that are not supported"),
    "bzip2": (both(method=12), "by method 12"),
    "lzma": (both(method=14), "by method 14"),
    "zstandard": (both(method=93), "by method 93"),
    "AES": (both(method=99), "by method 99"),
    "version": (lying(version=63), "features that are not supported"),
    "local version": (local(version=63), "contradicts the directory"),
    "disk number": (lying(disk=1), "on another disk"),
    "zip64 size": (lying(unpacked=0xFFFF_FFFF), "zip64"),
    "zip64 packed size": (lying(packed=0xFFFF_FFFF), "zip64"),
    "zip64 offset": (lying(offset=0xFFFF_FFFF), "zip64"),
    "stored two different sizes": (lying(unpacked=5), "two different sizes"),
    "folder with data": (build([MINE, Member(name=b"a/", data=b"x")]), "content of its own"),
    "local name": (local(raw_name=b"b"), "contradicts the directory"),
    "local name, longer": (local(name=2), "has no local header"),
    "local flags": (local(flags=1 << 11), "contradicts the directory"),
    "local method": (local(method=8), "contradicts the directory"),
    "local crc": (local(crc=1), "contradicts the directory"),
    "local packed size": (local(packed=3), "contradicts the directory"),
    "local size": (local(unpacked=3), "contradicts the directory"),
    "local sizes of zero": (local(crc=0, packed=0, unpacked=0), "contradicts the directory"),
    "directory crc": (lying(crc=1), "contradicts the directory"),
    "offset before": (lying(offset=0), "overlaps"),
    "offset behind": (lying(offset=10_000), "overlaps"),
    "offset into data": (lying(offset=60), "overlaps"),
    "descriptor missing": (both(flags=8), "followed by sizes that contradict"),
    "no such folder of extra fields": (
        build([MINE, Member(name=b"a", extra=b"\x55\x54\xff\x00")]),
        "malformed extra fields",
    ),
    "extra field cut": (build([MINE, Member(name=b"a", local_extra=b"abc")]), "malformed extra fields"),
    "many extra fields": (
        build([MINE, Member(name=b"a", extra=extra(1234, b"") * 300)]),
        "too many extra fields",
    ),
    "second name": (
        build([MINE, Member(name=b"a", extra=second_name(b"a", "../b"))]),
        'has a second name that differs, "../b"',
    ),
    "second local name": (
        build([MINE, Member(name=b"a", local_extra=second_name(b"a", "../b"))]),
        'has a second name that differs, "../b"',
    ),
    "second name of another name": (
        build([MINE, Member(name=b"a", extra=second_name(b"b", "a"))]),
        "a malformed second name",
    ),
    "two second names": (
        build([MINE, Member(name=b"a", extra=second_name(b"a", "a") * 2)]),
        "malformed extra fields",
    ),
    "second name cut": (
        build([MINE, Member(name=b"a", extra=extra(0x7075, b"\1abc"))]),
        "malformed second name",
    ),
    "second local name in another encoding": (
        build([MINE, Member(name="é".encode(), local_extra=second_name("é".encode(), "├⌐"))]),
        "another name in its local header",
    ),
    "zip64 field": (build([MINE, Member(name=b"a", data=b"1", extra=extra(1, bytes(16)))]), "in zip64 form"),
    "zip64 field, superfluous": (build([MINE, Member(name=b"a", extra=extra(1, bytes(9)))]), "in zip64 form"),
    "local zip64 field of one size": (
        build([MINE, Member(name=b"a", local_extra=extra(1, bytes(8)))]),
        "in zip64 form",
    ),
    "local zip64 field beside sizes that are others": (
        build([MINE, Member(name=b"a", data=b"1", local_extra=extra(1, bytes(16)))]),
        "contradicts the directory",
    ),
    "local zip64 field that lies": (
        build(
            [
                MINE,
                Member(
                    name=b"a",
                    data=b"1",
                    local={"packed": 0xFFFF_FFFF, "unpacked": 0xFFFF_FFFF},
                    local_extra=extra(1, struct.pack("<QQ", 1 << 40, 1)),
                ),
            ]
        ),
        "contradicts the directory",
    ),
    "two zip64 fields": (
        build([MINE, Member(name=b"a", local_extra=extra(1, bytes(16)) * 2)]),
        "malformed extra fields",
    ),
}


@pytest.mark.parametrize(("data", "reason"), ENTRIES.values(), ids=ENTRIES.keys())
def test_entries(data: bytes, reason: str) -> None:
    """An entry is a plain file or folder, stored or deflated, with equal values in both records."""
    assert reason in refused_archive(data)


ARCHIVES = {
    "empty": (b"", "not a zip archive"),
    "garbage": (b"garbage" * 10, "not a zip archive"),
    "end record cut": (build([MINE])[:-1], "not a zip archive"),
    "prefix": (b"#!/bin/sh\n" + build([MINE]), "something precedes it"),
    "prefix accounted for": (
        build([Member(name=b"submission.py", before=b"#!/bin/sh\n")]),
        "something precedes it",
    ),
    "suffix": (build([MINE]) + b"\0", "something follows its end"),
    "suffix of a whole archive": (build([ZEROS]) + build([MINE]), "something precedes it"),
    "between the entries": (
        build([MINE, Member(name=b"a", before=b"hidden")]),
        "something precedes it",
    ),
    "behind the entries": (
        build([Member(name=b"submission.py", after=b"hidden")]),
        "between its entries and",
    ),
    "behind the directory": (build([MINE], before_end=b"hidden"), "not where its end record claims"),
    "behind the directory, accounted for": (
        build([MINE], before_end=b"hidden", bytes=46 + 13 + 6),
        "longer than its number of entries",
    ),
    "comment cut": (build([MINE], comment=b"hello")[:-2], "something follows its end"),
    "end record in the comment": (build([MINE], comment=build([])), "something precedes it"),
    "zip64 locator": (
        build([MINE], before_end=b"PK\6\7" + bytes(16), bytes=46 + 13 + 20),
        "zip64",
    ),
    "zip64 locator in a comment": (
        build([Member(name=b"submission.py", comment=b"PK\6\7" + bytes(16))]),
        "zip64",
    ),
    "zip64 of other sizes": (in_zip64(replace(MINE, extra=extra(1, b""))), "malformed extra fields"),
    "zip64 end record elsewhere": (in_zip64(MINE, offset=1), "not where its end record claims"),
    "zip64 end record of more": (in_zip64(MINE, entries=2), "one part of several"),
    "zip64 end record of 2^63 entries": (
        in_zip64(MINE, entries=1 << 63, entries_here=1 << 63),
        "entries; 2000 are allowed",
    ),
    "zip64 end record, longer": (in_zip64(MINE, length=45), "malformed"),
    "disk": (build([MINE], disk=1), "one part of several"),
    "first disk": (build([MINE], first_disk=1), "one part of several"),
    "entries elsewhere": (build([MINE], entries_here=0), "one part of several"),
    "fewer entries than there are": (
        build([MINE, ZEROS], entries=1, entries_here=1),
        "longer than its number of entries",
    ),
    "more entries than there are": (build([MINE], entries=2, entries_here=2), "shorter than its number"),
    "no entries": (build([MINE], entries=0, entries_here=0), "longer than its number of entries"),
    "zip64 entries": (build([MINE], entries=0xFFFF, entries_here=0xFFFF), "65535 entries; 2000 are allowed"),
    "directory elsewhere": (build([MINE], offset=0), "not where its end record claims"),
    "directory beyond": (
        build([MINE], offset=0xFFFF_FFFF, bytes=0xFFFF_FFFF),
        "not where its end record claims",
    ),
    "names beyond": (
        build([Member(name=b"submission.py", directory={"comment": 0xFFFF})]),
        "shorter than its names",
    ),
    "one byte of data for two entries": (
        build([MINE, Member(name=b"a", directory={"offset": 0})]),
        "overlaps another entry",
    ),
}


@pytest.mark.parametrize(("data", "reason"), ARCHIVES.values(), ids=ARCHIVES.keys())
def test_archives(data: bytes, reason: str) -> None:
    """Entries, directory and end record follow each other and fill the file."""
    assert reason in refused_archive(data)
