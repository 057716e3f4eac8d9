"""The inspection of an archive takes bounded memory, and so does the archive when unpacked."""

from __future__ import annotations

import contextlib
import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.parsers.zip_archive import MAX_ENTRIES, MAX_UNPACKED_BYTES, inspect_archive
from runner.parsers.zip_names import ArchiveError
from tests.fuzz.archive import one_input, seeds
from tests.fuzz.zips import Member, build, extra
from tests.support.untrusted.archives import CODE, MINE, refused_archive, zipped


def test_bomb_by_sum() -> None:
    """The claimed unpacked sizes are limited in sum."""
    part = MAX_UNPACKED_BYTES // 4
    packed = zipped({"submission.py": CODE} | {f"{i}": bytes(part) for i in range(4)})
    assert len(packed) < 1 << 20
    assert "200 MiB are allowed" in refused_archive(packed)
    assert inspect_archive(zipped({"submission.py": b"", "a": bytes(part)})).unpacked_bytes == part


def test_claims_beyond_deflates_ratio_are_refused() -> None:
    """A claim over deflate's best ratio is refused; deflate's own ratio for zeros is accepted."""
    assert inspect_archive(zipped({"submission.py": bytes(10 << 20)})).unpacked_bytes == 10 << 20
    claim = {"unpacked": 100 << 20}
    member = Member(name=b"submission.py", data=bytes(1000), deflated=True, directory=claim, local=claim)
    assert "more than it can hold" in refused_archive(build([member]))


def test_bomb_of_overlapping_entries() -> None:
    """Many entries that share their data are refused."""
    members = [MINE] + [Member(name=b"%d" % i, directory={"offset": 0}) for i in range(100)]
    assert "overlaps" in refused_archive(build(members))


@pytest.mark.parametrize("count", [MAX_ENTRIES - 1, MAX_ENTRIES])
def test_maximum_of_entries(count: int) -> None:
    """The limit itself is allowed."""
    data = zipped({"submission.py": CODE, **{f"{i}": b"" for i in range(count)}})
    if count < MAX_ENTRIES:
        assert len(inspect_archive(data).names) == MAX_ENTRIES
    else:
        assert "2001 entries; 2000 are allowed" in refused_archive(data)


def falsified_count(entries: int) -> bytes:
    """Return a zip64 archive that announces a number of entries, and has one."""
    plain = build([MINE], entries=0xFFFF, entries_here=0xFFFF)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, entries * 46, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(plain) - 22, 1)
    return plain[:-22] + record + locator + plain[-22:]


HUGE = {
    "2^32 entries": falsified_count(1 << 32),
    "65535 entries": build([Member(name=b"%d" % i) for i in range(0xFFFF)]),
    "long names": build([Member(name=b"n" * 0xFFFF) for _ in range(50)]),
    "long extra fields": build([Member(name=b"%d" % i, extra=extra(9, b"") * 16_000) for i in range(50)]),
    "ten megabytes of signatures": b"PK\5\6" * (10 << 18),
    "ten megabytes of directory": b"PK\1\2" * (10 << 18) + build([MINE], offset=10 << 20)[-22:],
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE.keys())
def test_memory_is_bounded(data: bytes) -> None:
    """Refusing an archive takes less than a megabyte beyond its own size, whatever it claims."""
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
    """An archive with a few bytes changed or cut is refused, or zipfile reads the same names and sizes."""
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
    refused_archive(data)
    one_input(data)
