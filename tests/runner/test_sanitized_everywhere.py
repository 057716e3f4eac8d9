"""Untrusted names and text are sanitized in every place where they are displayed."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from runner.clients.runs import EndedRun
from runner.evaluation.publisher import format_log
from runner.reports.entries import (
    entry_line,
    group_copies,
    names_by_evaluation,
    refused_lines,
    result_lines,
)
from runner.reports.runs import runs_table
from runner.reports.scores import score_table
from runner.results.entry_result import EntryResult
from runner.sanitize import sanitize
from runner.store.entries.records import Entry, Outcome
from runner.verdict import Judgement, Observation, Verdict
from tests.support.command import type_command
from tests.support.records import run_record, summary_of


def shown(table: Table) -> str:
    """Return the table as written to a file, wide enough for every cell."""
    console = Console(file=StringIO(), width=2000, highlight=False)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@given(st.binary(max_size=200), st.text(max_size=200), st.integers(0, 1 << 40))
def test_log_files(printed: bytes, traceback: str, dropped: int) -> None:
    """Any output and traceback become UTF-8 without terminal commands, and the dropped bytes are reported."""
    text = format_log(
        EndedRun(
            index=0,
            judgement=Judgement(verdict=Verdict.CRASHED, detail=""),
            checkpoint=b"",
            host_seconds=1.0,
            run_seconds=1.0,
            log=printed,
            log_bytes_dropped=dropped,
            traceback=traceback,
            observation=Observation(host_seconds=1.0, wall_limit_seconds=2.0),
        )
    )
    assert sanitize(text.encode()) == text
    assert (str(dropped) in text) or not dropped


@settings(max_examples=50)
@given(st.text(max_size=100))
def test_tables(text: str) -> None:
    """Any text in any cell stays one row of plain text."""
    run = run_record(verdict=text, detail=text)
    summary = summary_of(submission=text, verdicts={text: 2})
    for table in (runs_table([run]), score_table([summary], width=200)):
        assert sanitize(shown(table)) == shown(table)


@settings(max_examples=50)
@given(st.text(max_size=100))
def test_lines_of_entries(text: str) -> None:
    """Any name, path or reason stays on one line of plain text."""
    entry = Entry(
        id=1,
        command="",
        received=datetime(2026, 1, 1, tzinfo=UTC),
        name=text,
        path=text,
        folder=text,
        content_sha256=None,
        challenge=text,
        challenge_sha256="a" * 64,
        n=2,
        evaluation="0123456789ab",
        outcome=Outcome.REFUSED,
        reason=text,
    )
    copied = [
        summary_of(submission=text, evaluation=name, equal_evaluations=["f" * 12]) for name in ("a", "b")
    ]
    result = EntryResult(entry=entry, summary=copied[0], outcome=Outcome.FAILED, same_as=entry)
    lines = [
        entry_line(entry),
        *refused_lines([entry]),
        *result_lines([result], keep_going=False),
        *group_copies(copied)[1],
        *names_by_evaluation([entry]).values(),
    ]
    assert len(lines) == 5
    assert all(sanitize(line) == line and len(line.splitlines()) <= 1 for line in lines)


def test_sentences_about_what_strangers_named(challenge_folder: Any, tmp_path: Path) -> None:
    """A file's name may hold escapes, overrides and bytes that are not text; the error that names
    it is still one harmless sentence with its exit code."""
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "submission.py").write_text("")
    for name in (b"\x1b]0;title\x07", "\u202egnp".encode(), b"\xff\xfe"):
        link = bytes(folder) + b"/" + name
        Path(link.decode(errors="surrogateescape")).symlink_to("/etc/hostname")
        store = ("--store", tmp_path / "store")
        done = type_command("run", folder, "-c", challenge_folder.describe(), *store)
        assert done.returncode == 1
        assert sanitize(done.stderr) == done.stderr
        assert sanitize(done.stdout) == done.stdout
        assert "Traceback" not in done.stderr
        Path(link.decode(errors="surrogateescape")).unlink()
