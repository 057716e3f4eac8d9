"""Which files of a submission are not text, and may hold networks or wanted answers; nothing is decompressed.

A stored file is judged by its bytes: text is UTF-8 without NUL. A deflated file is judged from outside: it
passes for text if its name ends as text's do, and deflate took off at least a tenth, as it does of every
text in a language or a programming language. Whoever wants to hide numbers can write them as text; then the
size of the submission shows them.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from runner.parsers.zip_rewrite import PackedEntry

_STORED: Final = 0
_PIECE_BYTES: Final = 1 << 20
_TEXT_ENDINGS: Final = frozenset(
    {
        *("", ".py", ".pyi", ".ipynb", ".sh", ".txt", ".md", ".rst", ".csv", ".tsv"),
        *(".json", ".jsonl", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".html", ".xml", ".svg"),
    }
)
_LEAST_SHRUNK_BYTES: Final = 1 << 10
"""Shorter files need not shrink: deflate has little to find in them."""
_MOST_OF_TEXT: Final = 0.9
"""Of its size, what deflate may leave of a text; floats keep more. Digits in base 85 keep 0.83."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryFile:
    """A file that is not text."""

    name: str
    """Within the submission; untrusted."""
    size_bytes: int
    """Unpacked."""


def binary_files(entries: Iterable[PackedEntry]) -> tuple[BinaryFile, ...]:
    """Return the files of an accepted archive that are not text, largest first."""
    files = [
        BinaryFile(name=entry.name, size_bytes=entry.unpacked_bytes)
        for entry in entries
        if not entry.name.endswith("/") and not _is_text(entry)
    ]
    return tuple(sorted(files, key=lambda file: (-file.size_bytes, file.name)))


def _is_text(entry: PackedEntry) -> bool:
    if entry.method == _STORED:
        return _is_utf8(entry.data)
    shrank = (
        entry.unpacked_bytes < _LEAST_SHRUNK_BYTES or len(entry.data) <= _MOST_OF_TEXT * entry.unpacked_bytes
    )
    _stem, dot, ending = entry.name.rpartition("/")[2].rpartition(".")
    return shrank and (dot + ending.lower() if dot else "") in _TEXT_ENDINGS


def _is_utf8(data: memoryview) -> bool:
    """Return whether data are UTF-8 without NUL, of which only a piece at a time is copied."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in _pieces(data):
            if "\0" in decoder.decode(piece):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _pieces(data: memoryview) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE_BYTES):
        yield bytes(data[start : start + _PIECE_BYTES])
