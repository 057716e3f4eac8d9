"""Zip archives: as Python's zipfile writes them, and what the inspection refuses."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import pytest

from runner.parsers.zip_archive import inspect_archive
from runner.parsers.zip_names import ArchiveError
from runner.sanitize import sanitize_line
from tests.fuzz.zips import Member

CODE: Final = b"def unlearning(net, retain, forget, val):\n    return net\n"
MINE: Final = Member(name=b"submission.py", data=CODE)
ZEROS: Final = Member(name=b"zeros.bin", data=bytes(5000), deflated=True)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return files as an archive that a participant could have packed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


class Unseekable(io.RawIOBase):
    """A file without seek(), which zipfile treats as a pipe."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def refused_archive(data: bytes) -> str:
    """Return why an archive is refused, and require that it is, in a short line that may be displayed."""
    with pytest.raises(ArchiveError) as caught:
        inspect_archive(data)
    message = str(caught.value)
    assert len(message) < 300
    assert message == sanitize_line(message)
    return message
