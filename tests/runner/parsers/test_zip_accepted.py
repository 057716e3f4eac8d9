"""Every archive that ordinary tools write is accepted."""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.parsers.zip_archive import inspect_archive
from tests.fuzz.zips import Member, build, extra
from tests.support.untrusted.archives import CODE, MINE, ZEROS, Unseekable, refused_archive


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
def test_archives_by_zipfile_are_accepted(
    files: dict[str, bytes], method: int, streamed: bool, comment: bytes
) -> None:
    """Ordinary names are accepted: stored or deflated, into a file or a pipe, with a comment."""
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
    """Entries for folders, Unix modes, added files and unneeded zip64 fields are ordinary."""
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
    """Return what Python writes with ``force_zip64``; before 3.11.4 it stated the sizes twice."""
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
    """Zip64 fields that turn out unneeded are accepted, also where the sizes follow the data."""
    member = in_zip64(streamed=streamed, twice=twice)
    assert inspect_archive(build([member])).names == ("submission.py",)
    for lie in ((1, 0), (0, 1), (1 << 40, 0)):
        sizes = [
            said + more for said, more in zip(struct.unpack("<QQ", member.local_extra[4:]), lie, strict=True)
        ]
        lying = replace(member, local_extra=extra(1, struct.pack("<QQ", *sizes)))
        assert "contradicts the directory" in refused_archive(build([lying]))
    if twice:
        half = replace(member, local={**member.local, "packed": 0xFFFF_FFFF})
        assert "contradicts the directory" in refused_archive(build([half]))


def test_zip64_of_this_python_is_accepted() -> None:
    """This Python's own form is accepted, whatever its version."""
    pipe: Any = Unseekable()
    with zipfile.ZipFile(pipe, "w") as archive, archive.open("submission.py", "w", force_zip64=True) as file:
        file.write(CODE)
    assert inspect_archive(pipe.data).names == ("submission.py",)


def test_streams_by_info_zip_are_accepted() -> None:
    """``zip -`` states the size before the data, checksum and packed size behind it; all must agree."""
    packed = build([ZEROS])
    streamed = {"flags": 8}
    unknown = {**streamed, "crc": 0, "packed": 0}
    size = len(packed) - 30 - 2 * len(ZEROS.name) - 46 - 22
    behind = struct.pack("<4sLLL", b"PK\7\x08", zlib.crc32(ZEROS.data), size, len(ZEROS.data))
    whole = replace(ZEROS, directory=streamed, local=unknown, after=behind)
    assert inspect_archive(build([MINE, whole])).names == ("submission.py", "zeros.bin")
    for lie in ({"crc": 1}, {"packed": 1}, {"unpacked": 4999}):
        lying = build([MINE, replace(whole, local={**unknown, **lie})])
        assert "contradicts the directory" in refused_archive(lying)
    assert "followed by sizes" in refused_archive(build([MINE, replace(whole, after=bytes(16))]))


def test_handmade_is_accepted() -> None:
    """The archive from which the refused ones are derived is itself valid, in any order."""
    data = build([MINE, ZEROS])
    assert inspect_archive(data).names == tuple(names_of(data)) == ("submission.py", "zeros.bin")
    assert inspect_archive(build([ZEROS, MINE], comment=b"0" * 40)).unpacked_bytes == 5000 + len(CODE)
    harmless_field = extra(0x5455, b"\x01abcd")
    inspect_archive(build([Member(name=b"submission.py", extra=harmless_field, local_extra=harmless_field)]))
