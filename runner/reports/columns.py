"""Tables that fit a terminal: the least important columns are dropped, no figure is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

DEFAULT_WIDTH: Final = 140
"""For tables that no terminal limits: room for all columns."""
SUBMISSION_WIDTH: Final = 15
"""A longer name of a submission may be folded to this width."""
REQUIRED: Final = 100
"""Importance of a column that is never dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    title: str
    cells: Sequence[Text | str]
    importance: int
    """Columns are dropped in the order of their importance; `REQUIRED` ones never."""
    right: bool = False
    """Align to the right."""
    shrinks_to: int | None = None
    """Width to which its text may be folded; None for text that stays on one line."""

    @property
    def natural_width(self) -> int:
        """Width of the longest cell."""
        texts = (cell if isinstance(cell, str) else cell.plain for cell in self.cells)
        return max(cell_len(self.title), *map(cell_len, texts), 0)

    @property
    def minimum_width(self) -> int:
        """Width below which it is dropped."""
        natural = self.natural_width
        return (
            natural if self.shrinks_to is None else max(cell_len(self.title), min(natural, self.shrinks_to))
        )


def fitted_table(columns: Sequence[Column], width: int, *, title: str | None = None) -> Table:
    """Return a table of the columns that fit into ``width`` columns of a terminal.

    Columns are dropped only when all others are folded as far as they may be, and stand close together.
    """
    shown = list(columns)
    padding = 1
    while _table_width(shown, padding) > width:
        droppable = [column for column in shown if column.importance < REQUIRED]
        if padding:
            padding = 0
        elif droppable:
            shown.remove(min(droppable, key=lambda column: column.importance))
        else:
            break
    if padding == 0 and _table_width(shown, 1) <= width:
        padding = 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, padding, 0, 0), title=title)
    for column, column_width in zip(shown, _widths(shown, padding, width), strict=True):
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=column.shrinks_to is None,
            overflow="fold",
            width=column_width,
        )
    for row in zip(*(column.cells for column in shown), strict=True):
        table.add_row(*row)
    return table


def _table_width(columns: Sequence[Column], padding: int) -> int:
    """Return the least width of a table: its cells, the space behind each, and an edge on both sides."""
    return sum(column.minimum_width for column in columns) + (1 + padding) * len(columns) + 1


def _widths(columns: Sequence[Column], padding: int, width: int) -> list[int]:
    """Return the width of each column: rich, left to itself, also cuts those that must not be folded.

    What the least widths leave goes to the columns whose text is folded, in equal parts.
    """
    widths = [column.minimum_width for column in columns]
    rest = max(0, width - _table_width(columns, padding))
    lacking = [column.natural_width - least for column, least in zip(columns, widths, strict=True)]
    order = sorted(range(len(columns)), key=lambda at: lacking[at])
    for place, at in enumerate(order):
        more = min(lacking[at], rest // (len(order) - place))
        widths[at] += more
        rest -= more
    return widths
