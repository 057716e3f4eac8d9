"""Read what renderers of leaderboards made."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

from rich.console import Console, RenderableType


def text_of(lines: Iterable[RenderableType], width: int = 400, **options: Any) -> str:
    """Return what a console prints."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, **options)
    for line in lines:
        console.print(line)
    return out.getvalue()


class _Tables(HTMLParser):
    """Collects the cells of all rows, and every tag that there is."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._open = True
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data


def page_tables(page: str) -> _Tables:
    """Return the cells of a page's tables, its links and its tags."""
    tables = _Tables()
    tables.feed(page)
    return tables


def csv_rows(data: bytes) -> list[dict[str, str]]:
    """Return the lines of a CSV file by the names of its columns."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))
