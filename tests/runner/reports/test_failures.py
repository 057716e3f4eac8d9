"""Where the failed runs of entries failed, and which command shows more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.reports.failures import failure_lines, follow_up
from runner.results.entry_result import EntryResult
from runner.verdict import Verdict
from tests.runner.reports.test_entries import result
from tests.support.records import run_record

LOG = b"""Traceback (most recent call last):
  File "/scratch/0/run-1/.submission/%s", line 3, in unlearning
    return nett
NameError: name 'nett' is not defined
"""
RUNS = [
    run_record(),
    run_record(index=1, verdict=Verdict.CRASHED, detail="NameError"),
    run_record(index=2, verdict=Verdict.CRASHED, detail="ValueError"),
]


def lines_of(each: EntryResult, log: bytes, store: str = "evaluations", file: str = "") -> list[str]:
    def log_of(evaluation: str, index: int) -> bytes:
        assert (evaluation, index) == (each.summary.evaluation, 1), "the first failed run is shown"
        return log

    place = f" ({file}, line 3)" if file else ""
    runs = [replace(run, detail=run.detail + place) for run in RUNS]
    return failure_lines([each], lambda _evaluation: runs, log_of, store=Path(store))


@pytest.mark.parametrize(
    ("path", "file", "place"),
    [
        ("in/typo.py", b"submission.py", "in/typo.py"),
        ("in/TYPO.PY", b"submission.py", "in/TYPO.PY"),
        ("in/typo", b"submission.py", "in/typo/submission.py"),
        ("in/typo/", b"lib/a.py", "in/typo/lib/a.py"),
        ("in/typo.zip", b"lib/a.py", "in/typo.zip: lib/a.py"),
        (None, b"submission.py", "submission.py"),
    ],
)
def test_the_line_stands_under_the_path_as_typed(path: str | None, file: bytes, place: str) -> None:
    """Not under the one in the container."""
    failed = result("typo", "failed")
    failed = replace(failed, entry=replace(failed.entry, path=path))
    command = f"unlearn show {failed.summary.evaluation} --logs"
    assert lines_of(failed, LOG % file, file=file.decode()) == [
        f"typo: at {place}:3: return nett",
        f"typo: traceback and output: {command}",
    ]


def test_without_a_traceback_the_command_is_left() -> None:
    """Such as for a run that was killed; nothing for what did not fail."""
    (line,) = lines_of(result("a", "failed"), b"")
    assert line.startswith("a: traceback and output: unlearn show ")
    for outcome in ("scored", "refused", "held"):
        assert lines_of(result("a", outcome), LOG % b"submission.py") == []


def test_a_log_is_sanitized() -> None:
    """Escape sequences, line breaks and length, in the file, the line and the entry's name."""
    lines = lines_of(
        result("a\x1b[2J", "failed"),
        LOG.replace(b"nett", b"\x1b[31m" + b"x" * 5000) % b"a\x07.py",
        file="a\x07.py",
    )
    assert not any(character in "".join(lines) for character in "\x1b\x07\n")
    assert max(map(len, lines)) < 500


def test_a_command_can_be_pasted() -> None:
    """With the store where it is not the default, quoted where that is necessary."""
    assert follow_up("show", "0123456789ab", Path("evaluations")) == "unlearn show 0123456789ab"
    assert follow_up("show", "0123456789ab", Path("my runs")) == "unlearn show 0123456789ab --store 'my runs'"
