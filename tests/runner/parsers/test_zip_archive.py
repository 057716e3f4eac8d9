"""Is every archive that sane tools write accepted, and every one that readers could read two ways refused?"""

from __future__ import annotations

import contextlib
import io
import random
import stat
import struct
import tracemalloc
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.parsers.zip_archive import MAX_ENTRIES, MAX_UNPACKED_BYTES, inspect_archive
from runner.parsers.zip_names import ArchiveError
from runner.sanitize import sanitize_line
from tests.fuzz.archive import one_input, seeds
from tests.fuzz.zips import Member, build, extra

CODE = b"def unlearning(net, retain, forget, val):\n    return net\n"
MINE = Member(name=b"submission.py", data=CODE)
ZEROS = Member(name=b"zeros.bin", data=bytes(5000), deflated=True)


def refused(data: bytes) -> str:
    """Return why an archive is refused, and require that it is, in a short line fit to be shown."""
    with pytest.raises(ArchiveError) as caught:
        inspect_archive(data)
    message = str(caught.value)
    assert len(message) < 200
    assert message == sanitize_line(message)
    return message


def written(files: dict[str, bytes], **options: Any) -> bytes:
    """Return what Python's zipfile writes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


class Unseekable(io.RawIOBase):
    """A pipe, as far as zipfile can tell."""

    def __init__(self) -> None:
        """Begin empty."""
        self.data = b""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Keep it."""
        self.data += bytes(data)
        return len(data)


def names_of(data: bytes) -> list[str]:
    """Return the names as the sandbox will see them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


PARTS = st.text(
    st.characters(whitelist_categories=["Lu", "Ll", "Lo", "Nd", "Pc", "Pd", "So"]), min_size=1, max_size=8
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.lists(PARTS, min_size=1, max_size=3).map("/".join), st.binary(max_size=300), max_size=6
    ),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.sampled_from([False, True]),
    st.binary(max_size=20).filter(lambda comment: b"PK" not in comment),
)
def test_what_zipfile_writes_is_accepted(
    files: dict[str, bytes], method: int, streamed: bool, comment: bytes
) -> None:
    """Any sane names, stored or deflated, into a file or a pipe, with a comment: accepted, the same names."""
    files = {f"x/{name}": data for name, data in files.items()}
    folded = {unicodedata.normalize("NFC", name.casefold()) for name in files}
    assume(len(folded) == len(files))  # else not a folder that exists on every machine
    assume(not any(name.startswith(f"{other}/") for name in folded for other in folded))
    target: Any = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.comment = comment
        for name, data in {"submission.py": CODE, **files}.items():
            archive.writestr(name, data)
    data = target.data if streamed else target.getvalue()
    found = inspect_archive(data)
    assert list(found.names) == names_of(data) == ["submission.py", *files]
    assert found.unpacked_bytes == len(CODE) + sum(map(len, files.values()))


def test_folders_and_modes_are_accepted() -> None:
    """Entries for folders, unix modes, added files and zip64 prepared in vain are ordinary."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.mkdir("helper")
        archive.writestr("helper/a.py", b"")
        with archive.open("big.bin", "w", force_zip64=True) as file:
            file.write(b"1" * 100)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        mode = zipfile.ZipInfo("submission.py")
        mode.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(mode, CODE)
    assert inspect_archive(packed.getvalue()).names == ("helper/", "helper/a.py", "big.bin", "submission.py")


def in_zip64(*, streamed: bool, twice: bool) -> Member:
    """Return what Python writes with ``force_zip64``; before 3.11.4 it said the sizes twice."""
    sizes = {"packed": 0, "unpacked": 0} if streamed else {"packed": len(CODE), "unpacked": len(CODE)}
    field = extra(1, struct.pack("<QQ", sizes["unpacked"], sizes["packed"]))
    said = sizes if twice else {"packed": 0xFFFF_FFFF, "unpacked": 0xFFFF_FFFF}
    version = {} if twice else {"version": 45}
    if not streamed:
        return replace(MINE, directory=version, local={**version, **said}, local_extra=field)
    behind = struct.pack("<4sLQQ", b"PK\7\x08", zlib.crc32(CODE), len(CODE), len(CODE))
    flags = {**version, "flags": 8}
    return replace(MINE, directory=flags, local={**flags, "crc": 0, **said}, local_extra=field, after=behind)


@pytest.mark.parametrize("twice", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
def test_zip64_of_every_python_is_accepted(streamed: bool, twice: bool) -> None:
    """Prepared in vain, or because the sizes are said behind the data only, as for a pipe."""
    member = in_zip64(streamed=streamed, twice=twice)
    assert inspect_archive(build([member])).names == ("submission.py",)
    for lie in ((1, 0), (0, 1), (1 << 40, 0)):
        sizes = [
            said + more for said, more in zip(struct.unpack("<QQ", member.local_extra[4:]), lie, strict=True)
        ]
        lying = replace(member, local_extra=extra(1, struct.pack("<QQ", *sizes)))
        assert "contradicts the directory" in refused(build([lying]))
    if twice:
        half = replace(member, local={**member.local, "packed": 0xFFFF_FFFF})
        assert "contradicts the directory" in refused(build([half]))


def test_zip64_of_this_python_is_accepted() -> None:
    """Whatever its version makes of it."""
    pipe: Any = Unseekable()
    with zipfile.ZipFile(pipe, "w") as archive, archive.open("submission.py", "w", force_zip64=True) as file:
        file.write(CODE)
    assert inspect_archive(pipe.data).names == ("submission.py",)


def test_what_info_zip_streams_is_accepted() -> None:
    """``zip -`` says the size beforehand, checksum and packed size behind the data; what it says must agree."""
    packed = build([ZEROS])
    streamed = {"flags": 8}
    unknown = {**streamed, "crc": 0, "packed": 0}
    size = len(packed) - 30 - 2 * len(ZEROS.name) - 46 - 22
    behind = struct.pack("<4sLLL", b"PK\7\x08", zlib.crc32(ZEROS.data), size, len(ZEROS.data))
    whole = replace(ZEROS, directory=streamed, local=unknown, after=behind)
    assert inspect_archive(build([MINE, whole])).names == ("submission.py", "zeros.bin")
    for lie in ({"crc": 1}, {"packed": 1}, {"unpacked": 4999}):
        lying = build([MINE, replace(whole, local={**unknown, **lie})])
        assert "contradicts the directory" in refused(lying)
    assert "followed by sizes" in refused(build([MINE, replace(whole, after=bytes(16))]))


def test_handmade_is_accepted() -> None:
    """The archive from which the refused ones below are made is itself a valid one, in any order."""
    data = build([MINE, ZEROS])
    assert inspect_archive(data).names == tuple(names_of(data)) == ("submission.py", "zeros.bin")
    assert inspect_archive(build([ZEROS, MINE], comment=b"0" * 40)).unpacked_bytes == 5000 + len(CODE)
    harmless_field = extra(0x5455, b"\x01abcd")
    inspect_archive(build([Member(name=b"submission.py", extra=harmless_field, local_extra=harmless_field)]))


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
    "nothing": ([], "no submission.py at its top"),
    "main.py": ([Member(name=b"main.py")], "no submission.py at its top"),
    "deep": ([Member(name=b"a/b/submission.py")], "no submission.py at its top"),
    "one folder": (
        [Member(name=b"mine/"), Member(name=b"mine/submission.py")],
        'submission.py is in the folder "mine"; pack the content of that folder, not the folder itself',
    ),
}


@pytest.mark.parametrize(("members", "reason"), NAMES.values(), ids=NAMES.keys())
def test_names(members: Sequence[Member], reason: str) -> None:
    """A name is a plain relative path of visible characters, once, and ``submission.py`` is one of them."""
    assert reason in refused(build(members))


def lying(**directory: Any) -> bytes:
    """Return an archive whose second entry says something else in the directory."""
    return build([MINE, Member(name=b"a", data=b"1234", directory=directory)])


def local(**fields: Any) -> bytes:
    """Return an archive whose second entry says something else in its local header."""
    return build([MINE, Member(name=b"a", data=b"1234", local=fields)])


def both(**fields: Any) -> bytes:
    """Return an archive whose second entry says something unusual in both places."""
    return build([MINE, Member(name=b"a", data=b"1234", directory=fields, local=fields)])


def mode(kind: int, name: bytes = b"a") -> bytes:
    """Return an archive with an entry of a file's kind."""
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
        build([MINE, Member(name=b"a", extra=extra(0x7075, b"\1abcd../b"))]),
        "a second name",
    ),
    "second local name": (
        build([MINE, Member(name=b"a", local_extra=extra(0x7075, b"\1abcd../b"))]),
        "a second name",
    ),
    "zip64 field": (build([MINE, Member(name=b"a", extra=extra(1, bytes(16)))]), "in zip64 form"),
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
    """An entry is a plain file or folder, stored or deflated, and says the same in both places."""
    assert reason in refused(data)


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
    """Entries, directory and end lie one behind the other and fill the file."""
    assert reason in refused(data)


def test_bomb_by_sum() -> None:
    """What an archive claims to hold is limited in sum."""
    part = MAX_UNPACKED_BYTES // 4
    packed = written({"submission.py": CODE} | {f"{i}": bytes(part) for i in range(4)}, compression=8)
    assert len(packed) < 1 << 20
    assert "200 MiB are allowed" in refused(packed)
    assert (
        inspect_archive(written({"submission.py": b"", "a": bytes(part)}, compression=8)).unpacked_bytes
        == part
    )


def test_deflate_cannot_hold_what_is_claimed() -> None:
    """A claim over deflate's best ratio is a lie; what deflate does with zeros is not."""
    assert (
        inspect_archive(written({"submission.py": bytes(10 << 20)}, compression=8)).unpacked_bytes == 10 << 20
    )
    claim = {"unpacked": 100 << 20}
    member = Member(name=b"submission.py", data=bytes(1000), deflated=True, directory=claim, local=claim)
    assert "more than it can hold" in refused(build([member]))


def test_bomb_of_overlapping_entries() -> None:
    """Many entries of the same data, each a name of its own, are refused."""
    members = [MINE] + [Member(name=b"%d" % i, directory={"offset": 0}) for i in range(100)]
    assert "overlaps" in refused(build(members))


@pytest.mark.parametrize("count", [MAX_ENTRIES - 1, MAX_ENTRIES])
def test_most_entries(count: int) -> None:
    """The limit itself is allowed."""
    data = written({"submission.py": CODE, **{f"{i}": b"" for i in range(count)}})
    if count < MAX_ENTRIES:
        assert len(inspect_archive(data).names) == MAX_ENTRIES
    else:
        assert "2001 entries; 2000 are allowed" in refused(data)


def lied_about(entries: int) -> bytes:
    """Return a zip64 archive that announces a number of entries, and has one."""
    plain = build([MINE], entries=0xFFFF, entries_here=0xFFFF)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, entries * 46, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(plain) - 22, 1)
    return plain[:-22] + record + locator + plain[-22:]


HUGE = {
    "2^32 entries": lied_about(1 << 32),
    "65535 entries": build([Member(name=b"%d" % i) for i in range(0xFFFF)]),
    "long names": build([Member(name=b"n" * 0xFFFF) for _ in range(50)]),
    "long extra fields": build([Member(name=b"%d" % i, extra=extra(9, b"") * 16_000) for i in range(50)]),
    "ten megabytes of signatures": b"PK\5\6" * (10 << 18),
    "ten megabytes of directory": b"PK\1\2" * (10 << 18) + build([MINE], offset=10 << 20)[-22:],
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE.keys())
def test_memory_is_bounded(data: bytes) -> None:
    """Whatever is announced, refusing it takes less than a megabyte beyond the archive itself."""
    tracemalloc.start()
    try:
        with contextlib.suppress(ArchiveError):
            inspect_archive(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_memory_of_the_largest_accepted() -> None:
    """An archive with as many entries and as long names as allowed takes a few times their length."""
    name = b"/".join([b"n" * 240] * 4)
    data = build([MINE, *(Member(name=b"%04d" % i + name) for i in range(MAX_ENTRIES - 1))])
    tracemalloc.start()
    try:
        inspect_archive(data)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(data)
    finally:
        tracemalloc.stop()


def test_random_changes_are_refused_or_mean_the_same() -> None:
    """An archive with a few bytes changed, cut or added is refused, or zipfile reads the same names and sizes."""
    draw = random.Random(0)
    for data in seeds().values():
        for _ in range(1500):
            changed = bytearray(data)
            for _ in range(draw.randrange(1, 4)):
                place = draw.randrange(1, len(changed))
                changed[place] = draw.choice([0, 1, 8, 47, 92, 255, draw.randrange(256)])
            one_input(bytes(changed))
            one_input(bytes(changed[: draw.randrange(len(changed))]))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    """Random bytes are refused, alone and as the fields of an archive."""
    refused(data)
    one_input(data)
