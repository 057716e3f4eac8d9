"""`unlearn show` prints how the runs of an evaluation ended, and what to do about it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from runner.cli.show import show_command, show_summaries
from runner.store.open_store import open_store
from runner.store.records import EvaluationRecord
from runner.verdict import Verdict
from tests.support.records import run_record, summary_of

ID = "0123456789ab"
LEAVES = "Return from the function instead of leaving Python."
LATE = "not finished within 60 s (submission.py, line 3)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a store with an evaluation whose runs failed in two ways."""
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(
            EvaluationRecord(
                id=ID,
                submission_sha256="a" * 64,
                submission="mine",
                archive_bytes=1,
                challenge="hidden",
                challenge_sha256="b" * 64,
                image="c" * 64,
                n=3,
            )
        )
        for index, (verdict, detail) in enumerate(
            [
                (Verdict.CRASHED, "SystemExit: 0"),
                (Verdict.CRASHED, "SystemExit: 1"),
                (Verdict.TIME_LIMIT, LATE),
            ]
        ):
            store.publish(ID, run_record(index=index, verdict=verdict, detail=detail))
    return tmp_path


def test_each_advice_stands_once_below_the_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the numbers of the runs that need it."""
    show_command(ID, folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines.count(f"runs 0, 1: {LEAVES}") == 1
    assert any(line.startswith("run 2: Where it was a second before") for line in lines)


def test_a_table_of_summaries_is_followed_by_the_advice(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `unlearn run` prints it, below the reason."""
    show_summaries([summary_of(reason="run 0 ended as crashed (SystemExit: 0)")], folder, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("mine: no score: run 0 ended as crashed (SystemExit: 0)")
    assert lines[place + 1] == f"mine: {LEAVES}"
