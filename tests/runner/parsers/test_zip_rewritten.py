"""Archives of ordinary programs that are not plain are passed on in the plain layout, with the same files."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from runner.parsers.zip_archive import inspect_archive
from tests.fuzz.archive import one_input
from tests.fuzz.zips import Member, build, in_zip64, second_name
from tests.support.untrusted.archives import CODE, MINE, ZEROS, refused_archive, zipped

LETTER = "données.py"
MARKED = {"flags": 1 << 11}


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return what a run unpacks from what is passed on, and require that this is a fixed point."""
    one_input(data)
    archive = inspect_archive(data).archive
    assert inspect_archive(archive).archive == archive
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def test_a_plain_archive_is_passed_on_unchanged() -> None:
    """Byte for byte, whatever else is in it."""
    data = zipped({"submission.py": CODE, LETTER: b"1", "__MACOSX/._submission.py": b"", ".DS_Store": b""})
    assert inspect_archive(data).archive == data


@pytest.mark.parametrize("system", [3, 19], ids=["Unix", "Darwin"])
@pytest.mark.parametrize("name", [LETTER, "数据.py", "資料/ü.bin"])
def test_unmarked_names_of_unix_are_utf8(system: int, name: str) -> None:
    """As the archive programs of Macs and Linux write them, and under the very name."""
    member = Member(name=name.encode(), data=b"1", directory={"made_by": system << 8 | 21})
    assert unpacked(build([MINE, member])) == {"submission.py": CODE, name: b"1"}


def test_unmarked_names_of_other_systems_are_refused() -> None:
    """Of DOS, whose programs write the code page of the machine."""
    member = Member(name=LETTER.encode(), directory={"made_by": 20})
    assert "not marked as UTF-8" in refused_archive(build([MINE, member]))


def test_python_files_of_a_mac_can_be_imported() -> None:
    """A Mac's file is named with an accent of its own; ``import`` looks for the composed name."""
    decomposed = unicodedata.normalize("NFD", LETTER)
    for marks in ({}, MARKED):
        member = Member(name=decomposed.encode(), data=b"1", directory=marks, local=marks)
        assert unpacked(build([MINE, member])) == {"submission.py": CODE, LETTER: b"1"}


@pytest.mark.parametrize("name", ["donne\u0301es.csv", "\U0002f800.py"], ids=ascii)
def test_other_names_are_passed_on_as_they_are(name: str) -> None:
    """Names of data, which code may have in a list, and characters that only NFC would replace."""
    data = build([MINE, Member(name=name.encode(), directory=MARKED, local=MARKED)])
    assert inspect_archive(data).archive == data


@pytest.mark.parametrize(
    ("raw", "name"),
    [(LETTER.encode("cp437"), LETTER), (LETTER.encode(), LETTER), (b"a.txt", "a.txt")],
    ids=["DOS", "UTF-8", "ASCII"],
)
@pytest.mark.parametrize("system", [0, 3, 10])
def test_second_names_that_agree_are_accepted(raw: bytes, name: str, system: int) -> None:
    """Both records have them, or the directory alone."""
    field = second_name(raw, name)
    member = Member(name=raw, data=b"1", extra=field, directory={"made_by": system << 8 | 63})
    assert unpacked(build([MINE, member])) == {"submission.py": CODE, name: b"1"}
    assert unpacked(build([MINE, replace(member, local_extra=field)]))[name] == b"1"


@pytest.mark.parametrize("deflated", [False, True])
def test_zip64_whose_numbers_fit_is_accepted(deflated: bool) -> None:
    """All numbers in 64 bits, or those that a program into a pipe cannot know beforehand."""
    if not deflated:
        assert unpacked(in_zip64(MINE)) == {"submission.py": CODE}
    full = {"version": 45, "unpacked": 0xFFFF_FFFF}
    field = struct.pack("<HHQ", 1, 8, len(ZEROS.data))
    assert unpacked(build([MINE, replace(ZEROS, directory=full, extra=field, deflated=False)])) == {
        "submission.py": CODE,
        "zeros.bin": ZEROS.data,
    }


@pytest.mark.skipif(shutil.which("zip") is None, reason="zip is not installed")
@pytest.mark.parametrize("options", ["-fz - submission.py", "-r - .", "-fz -q - submission.py données.py"])
def test_streams_of_info_zip(tmp_path: Path, options: str) -> None:
    """As ``zip -`` writes them, in zip64 form if asked to."""
    (tmp_path / "submission.py").write_bytes(CODE)
    (tmp_path / LETTER).write_bytes(b"1")
    target = tmp_path.parent / f"{tmp_path.name}.zip"
    with target.open("wb") as file:
        subprocess.run(
            ["zip", *options.split()], cwd=tmp_path, stdout=file, stderr=subprocess.DEVNULL, check=True
        )
    expected = {"submission.py": CODE, LETTER: b"1"}
    assert unpacked(target.read_bytes()) in (expected, {"submission.py": CODE})


def test_a_folder_around_everything_is_stripped() -> None:
    """With entries for folders and what file managers add, whose names are no part of the submission."""
    members = [
        Member(name=b"my entry/"),
        Member(name=b"my entry/submission.py", data=CODE, deflated=True),
        Member(name=b"my entry/helper/"),
        Member(name=b"my entry/helper/a.py", data=b"1"),
        Member(name="my entry/donne\u0301es.py".encode(), data=b"4"),
        Member(name=b"my entry/.DS_Store", data=b"2"),
        Member(name=b"my entry/@eaDir/submission.py/SYNO", data=b"5"),
        Member(name=b"$RECYCLE.BIN/desktop.ini", data=b"6"),
        Member(name=b"__MACOSX/"),
        Member(name=b"__MACOSX/my entry/._submission.py", data=b"3"),
    ]
    assert unpacked(build(members)) == {
        "submission.py": CODE,
        "helper/": b"",
        "helper/a.py": b"1",
        "donn\u00e9es.py": b"4",
    }


def test_only_one_folder_is_stripped() -> None:
    """Two would be a guess; so would a folder beside other files."""
    for names in (("a/b/submission.py",), ("a/submission.py", "b.py"), ("a/submission.py", "b/c.py")):
        assert "no submission.py at its top, but in the folder" in refused_archive(
            zipped(dict.fromkeys(names, CODE))
        )


@pytest.mark.parametrize("name", [b"mine/c:x", b"mine/../x", b"mine//x", b"mine/a\\b"])
def test_a_stripped_name_must_be_plain_too(name: bytes) -> None:
    """What is passed on passes the same inspection."""
    refused_archive(build([Member(name=b"mine/submission.py"), Member(name=name)]))


def test_the_archive_is_the_same_for_the_same_files() -> None:
    """Whatever the dates, the modes, the comment and the folder's name are."""
    first = [Member(name=b"a/submission.py", data=CODE), Member(name=b"a/x", data=b"1")]
    mode = {"time": 7, "date": 0x5AA1, "attributes": 0o100644 << 16}
    second = [replace(member, name=b"b" + member.name[1:], directory=mode) for member in first]
    second = [replace(member, local={"time": 7, "date": 0x5AA1}) for member in second]
    archives = {inspect_archive(build(members, comment=b"x")).archive for members in (first, second)}
    assert len(archives) == 1


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"Rar!\x1a\x07", ".rar"),
        (b"7z\xbc\xaf\x27\x1c", ".7z"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"<HTML>", "web page"),
    ],
)
def test_other_kinds_under_the_name_of_a_zip(beginning: bytes, kind: str) -> None:
    """The message says what it is; of a download that ended early, that it did."""
    assert kind in refused_archive(beginning + bytes(100))
    assert "its end is missing" in refused_archive(build([MINE])[:-10])
