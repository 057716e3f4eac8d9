"""The pages of a leaderboard: the tables, and a report for each row.

Organizers get the whole report of each evaluation. The public gets what the leaderboard shows of a row:
feedback under the policy ``full`` is for those who handed it in, not for everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.cli.participant.stored_view import NamedEvaluation
from runner.leaderboard.model import Board, ConditionsView, RowView
from runner.leaderboard.page import board_page, report_path
from runner.leaderboard.row_page import row_page
from runner.leaderboard.stored.site import SiteFile
from runner.pages.report import report_page
from runner.pages.write import page_bytes
from runner.progress import Reporter
from runner.reports.views.report_make import stored_report
from runner.store.store import Store

_RUNNER: Final = Path(__file__).parents[2]
_RENDERERS: Final = ("pages", "reports", "leaderboard")
"""Folders of the code that decides what a report looks like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSource:
    """Where the reports of evaluations come from."""

    store: Store
    folder: Path
    """Of the store."""
    challenge: Path | None
    """Where the challenge is; None for where it was."""
    reporter: Reporter


def board_files(board: Board, source: ReportSource) -> list[SiteFile]:
    """Return the files of a leaderboard; a report is rendered only if it is not taken over.

    Args:
        board: As its audience sees it.
        source: Of the reports, which only organizers get.
    """
    page = page_bytes(board_page(board))
    code = _code_digest()
    placed = list(_placed(board))
    files = [SiteFile(path="index.html", key=_digest(page), content=lambda: page)]
    for number, (row, conditions) in enumerate(placed):
        if row.evaluation is None:
            report = page_bytes(row_page(board, row, conditions))
            files.append(SiteFile(path=report_path(row), key=_digest(report), content=_constant(report)))
            continue
        stored = source.store.evaluation(row.evaluation)
        files.append(
            SiteFile(
                path=report_path(row),
                key=_digest(repr((code, stored, row.entry, row.submission, row.runs_ok)).encode())
                if stored.manifest_sha256 is not None
                else "",  # it has not ended
                content=_Report(source=source, row=row, number=number, total=len(placed)),
            )
        )
    return files


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """Renders the whole report of a row's evaluation."""

    source: ReportSource
    row: RowView
    number: int
    total: int

    def __call__(self) -> bytes:
        self.source.reporter.count("writing reports", self.number, self.total)
        store, name = self.source.store, str(self.row.evaluation)
        entries = [entry for entry in store.entries_of(name) if entry.id == self.row.entry]
        named = NamedEvaluation(store=store, folder=self.source.folder, name=name)
        view = named.view(entries[0] if entries else None)
        report = stored_report(view, store=store, folder=self.source.folder, challenge=self.source.challenge)
        return page_bytes(report_page(report))


def constant_file(path: str, data: bytes) -> SiteFile:
    """Return a file of a folder of pages whose content is known."""
    return SiteFile(path=path, key=_digest(data), content=_constant(data))


def _constant(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _placed(board: Board) -> Iterator[tuple[RowView, ConditionsView | None]]:
    """Yield each row with the conditions of its table."""
    for table in board.tables:
        yield from ((row, table.conditions) for row in (*table.rows, *table.baselines))
    for section in board.sections:
        yield from ((row, None) for row in section.rows)


def _code_digest() -> str:
    """Return a hash of the code that renders reports: after an upgrade all are rendered again."""
    digest = hashlib.sha256()
    for folder in _RENDERERS:
        for file in sorted((_RUNNER / folder).rglob("*")):
            if file.suffix in (".py", ".html", ".css"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
