"""Which files of a submission are not text: stored ones by their bytes, deflated ones without unpacking."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from runner.parsers.binary_files import binary_files
from runner.parsers.zip_archive import inspect_archive
from tests.support.untrusted.archives import CODE, zipped

RANDOM = np.random.Generator(np.random.PCG64(0)).bytes(5000)
"""As weights are: deflate finds nothing in them."""
PROSE = b"A submission must be much faster than training again. " * 100


def named(files: dict[str, bytes], method: int) -> list[tuple[str, int]]:
    """Return name and size of each file that is not text, beside a submission's code."""
    contents = inspect_archive(zipped({"submission.py": CODE, **files}, method))
    return [(file.name, file.size_bytes) for file in binary_files(contents.entries)]


@pytest.mark.parametrize(
    ("data", "is_binary"),
    [
        (RANDOM, True),
        (PROSE, False),
        ("größer, 更大".encode(), False),
        ("größer".encode("latin-1"), True),
        ("größer".encode("utf-16"), True),
        (b"zeros \0", True),
        (b"", False),
        (b"x" * ((1 << 20) - 1) + "ü".encode(), False),  # across two pieces
        (b"x" * (1 << 20) + b"\xc3", True),  # cut off in mid-character
    ],
)
def test_a_stored_file_is_judged_by_its_bytes(data: bytes, is_binary: bool) -> None:
    """Whatever its name: text is UTF-8 without NUL."""
    for name in ("weights.npz", "helper.py"):
        assert named({name: data}, zipfile.ZIP_STORED) == ([(name, len(data))] if is_binary else [])


@pytest.mark.parametrize(
    ("name", "data", "is_binary"),
    [
        ("helper.py", PROSE, False),
        ("README", PROSE, False),
        ("deep/er/TABLE.CSV", PROSE, False),
        ("helper.py", CODE, False),  # too short to shrink
        ("helper.py", RANDOM, True),
        ("README", RANDOM, True),
        ("weights.npz", PROSE, True),
        (".hidden", PROSE, True),
        ("data.py/weights", RANDOM, True),
    ],
)
def test_a_deflated_file_is_judged_by_its_name_and_by_how_it_shrank(
    name: str, data: bytes, is_binary: bool
) -> None:
    """It is not unpacked; its size is that which it claims."""
    assert named({name: data}, zipfile.ZIP_DEFLATED) == ([(name, len(data))] if is_binary else [])


def test_folders_are_no_files_and_the_largest_comes_first() -> None:
    """Equal sizes are in the order of their names."""
    files = {"b": b"\0" * 2, "a": b"\0" * 2, "folder/": b"", "folder/c": b"\0" * 3}
    assert named(files, zipfile.ZIP_STORED) == [("folder/c", 3), ("a", 2), ("b", 2)]
