"""The threat model names every threat, every attack of the gallery, and only tests that exist.

After adding an attack, write its list again and show it in the diff::

    .venv/bin/python tests/test_threat_model.py
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from typing import Any

import pytest

from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "threat-model.md"
HOSTILE = ROOT / "sample_submissions" / "hostile"
ROWS = [str(number) for number in range(1, 24)]
FAULTS = [f"H{number}" for number in range(1, 13)]
BEGIN = "<!-- gallery: written by tests/test_threat_model.py -->\n"
END = "<!-- end of the gallery -->\n"


def is_open(description: dict[str, Any]) -> bool:
    """Return whether an attack is marked as open under any runtime and isolation."""
    return any("open" in table for table in (description, *description.get("expect", ())))


def attacks() -> dict[int, list[str]]:
    """Return the gallery's attacks by row; those known to be open are marked."""
    by_threat = defaultdict(list)
    for file in sorted(HOSTILE.glob("*/attack.toml")):
        description = tomllib.loads(file.read_text())
        mark = " (open)" if is_open(description) else ""
        by_threat[description["threat"]].append(f"`{file.parent.name}`{mark}")
    return dict(sorted(by_threat.items()))


def gallery_table() -> str:
    """Return the gallery's part of the page as it should be."""
    rows = [f"| {row} | {', '.join(names)} |" for row, names in attacks().items()]
    return "\n".join(["| # | attacks |", "|---|---|", *rows]) + "\n" if rows else ""


def parts() -> tuple[str, str, str]:
    """Return the page before, within and after the gallery's part."""
    before, rest = PAGE.read_text().split(BEGIN)
    within, after = rest.split(END)
    return before, within, after


@pytest.mark.parametrize("rows", [ROWS, FAULTS], ids=["submissions", "ourselves"])
def test_every_threat_has_a_row_with_an_answer(rows: list[str]) -> None:
    """Each number has one row, in order, whose answer is not empty."""
    before, _within, after = parts()
    rows_in_page = re.findall(r"^\| (H?\d+) \| [^|]+ \| ([^|]+) \|", before + after, re.MULTILINE)
    assert [number for number, _answer in rows_in_page if number in rows] == rows
    assert all(answer.strip() for _number, answer in rows_in_page)


def test_the_page_lists_every_attack() -> None:
    """The list equals the gallery on disk; the top of this file says how to write it again."""
    assert parts()[1] == gallery_table()


def test_every_named_test_exists() -> None:
    """A row that refers to a test file refers to an existing one."""
    before, _within, after = parts()
    existing = {file.name for file in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"`(test_\w+\.py)`", before + after))
    assert named
    assert named <= existing


if __name__ == "__main__":
    before, _within, after = parts()
    PAGE.write_text(before + BEGIN + gallery_table() + END + after)
