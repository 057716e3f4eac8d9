"""Tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns that are empty in every row are left out, and no rows give no table."""
    filled = [list(row) for row in rows]
    columns = [at for at in range(len(heads)) if any(row[at] for row in filled)]
    if not columns:
        return ""
    lines = [
        [heads[at] for at in columns],
        ["---"] * len(columns),
        *([_cell(row[at]) for at in columns] for row in filled),
    ]
    return "".join(_line(cells) for cells in lines)


def _line(cells: Sequence[str]) -> str:
    if set(cells) == {"---"}:
        return "|" + "|".join(cells) + "|\n"
    return "| " + " | ".join(cells) + " |\n"


def _cell(text: str) -> str:
    """Return a text that ends no cell: a vertical bar would, in code as well."""
    return " ".join(text.replace("|", r"\|").split())
