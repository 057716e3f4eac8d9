"""Write a page into its file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from runner.files import write_atomic


def page_bytes(page: str) -> bytes:
    """Return a page as UTF-8; a lone surrogate, which UTF-8 has not, becomes a character reference."""
    return page.encode("utf-8", "xmlcharrefreplace")


def write_page(path: Path, page: str) -> None:
    """Write a page under a temporary name in its folder, then rename it to its final path.

    Raises:
        HostNotReadyError: the file cannot be written; no temporary file remains.
    """
    write_atomic(path, page_bytes(page))
