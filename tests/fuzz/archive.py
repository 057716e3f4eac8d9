"""Zip submissions, as the host inspects them and `zipfile` in the sandbox reads them."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections import Counter
from dataclasses import replace

from runner.parsers.zip_archive import MAX_ENTRIES, MAX_UNPACKED_BYTES, ArchiveContents, inspect_archive
from runner.parsers.zip_names import ArchiveError
from runner.sanitize import sanitize, sanitize_line
from tests.fuzz.zips import Member, build, extra, in_zip64, second_name

INSTRUMENTED = tuple(
    f"runner.parsers.{name}"
    for name in (
        "entry_file",
        "zip64",
        "zip_archive",
        "zip_entries",
        "zip_names",
        "zip_records",
        "zip_rewrite",
    )
)
_READ_BYTES = 1 << 20


def one_input(data: bytes) -> None:
    """What is passed on, zipfile reads with the same names and no more bytes than were claimed.

    If that was written anew, zipfile reads the same contents in the archive that was given.

    The data are an archive, and then once more the names and contents of one.
    """
    _compare(data)
    _compare(build(_members(data)))


def _members(data: bytes) -> list[Member]:
    """Return entries named by the lines of the data, so that names are reached without any luck."""
    members = [Member(name=b"submission.py", data=b"")]
    for number, line in enumerate(data[:2000].split(b"\n")[:20]):
        flags = {"flags": 1 << 11} if number % 2 else {}
        members.append(Member(name=line, data=line * (number % 3), directory=flags, local=flags))
    return members


def _compare(data: bytes) -> None:
    try:
        found = inspect_archive(data)
    except ArchiveError as error:
        message = str(error)
        assert len(message) < 300
        assert message == sanitize_line(message)
        return
    assert found.unpacked_bytes <= MAX_UNPACKED_BYTES
    assert len(found.names) <= MAX_ENTRIES
    _compare_contents(found)
    if found.archive == data:
        return
    assert inspect_archive(found.archive) == found
    assert len(found.archive) <= len(data)
    given, passed_on = _contents(data), _contents(found.archive)
    assert not passed_on - given


def _contents(data: bytes) -> Counter[tuple[int, int, bytes]]:
    """Return the checksum, the size and the packed data of each file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return Counter(
            (info.CRC, info.file_size, _packed(archive, info))
            for info in archive.infolist()
            if not info.is_dir()
        )


def _packed(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    info.compress_type = zipfile.ZIP_STORED
    info.file_size, info.CRC = info.compress_size, None  # type: ignore[assignment]  # so it is not checked
    with archive.open(info) as file:
        return file.read()


def _compare_contents(found: ArchiveContents) -> None:
    with zipfile.ZipFile(io.BytesIO(found.archive)) as archive:
        infos = archive.infolist()
        assert tuple(info.filename for info in infos) == found.names
        assert sum(info.file_size for info in infos) == found.unpacked_bytes
        for name in found.names:
            parts = name.removesuffix("/").split("/")
            assert parts
            assert not {"", ".", ".."} & set(parts)
            assert "\\" not in name
            assert name == sanitize(name)
        for info in infos:
            with archive.open(info) as file, contextlib.suppress(zipfile.BadZipFile, zlib.error, EOFError):
                assert len(file.read(_READ_BYTES)) <= info.file_size


def seeds() -> dict[str, bytes]:
    """Return a few archives to begin with."""
    code = b"def unlearning(net, retain, forget, val): ...\n"
    mine = Member(name=b"submission.py", data=code)
    zeros = Member(name=b"a/zeros", data=bytes(300), deflated=True, extra=extra(0x5455, b"\1abcd"))
    streamed = {"flags": 8}
    behind = Member(
        name=b"streamed",
        directory=streamed,
        local={**streamed, "crc": 0, "packed": 0, "unpacked": 0},
        after=b"PK\7\x08" + bytes(12),
    )
    link = Member(name=b"link", data=b"/etc/passwd", directory={"attributes": 0o120777 << 16})
    accented = Member(name="données".encode("cp437"), data=code)
    second = second_name(accented.name, "données")
    return {
        "one": build([mine]),
        "three": build([zeros, Member(name=b"a/"), mine], comment=b"comment"),
        "streamed": build([behind, mine]),
        "link": build([mine, link]),
        "inner": build([Member(name=b"mine/submission.py", data=code)]),
        "huge": build([mine], entries=0xFFFF, entries_here=0xFFFF),
        "zip64": build([mine], before_end=b"PK\6\7" + bytes(16)),
        "wrapped": build([Member(name=b"mine/"), Member(name=b"mine/submission.py", data=code)]),
        "unmarked": build([mine, Member(name="données.py".encode(), data=code)]),
        "second": build([mine, replace(accented, extra=second, local_extra=second)]),
        "wide": in_zip64(mine),
        "names": b"../a\n/b\nc:d\ne\\f\ng/h\ng\nSUBMISSION.py\n",
    }
