"""`unlearn show` prints how the runs of an evaluation ended, and what to do about it."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.cli.show import show_command, show_summaries
from runner.errors import ConfigurationError
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.verdict import Verdict
from tests.support.records import evaluation_record, run_record, summary_of

ID = "0123456789ab"
OTHER = "ba9876543210"
LEAVES = "Return from the function instead of leaving Python."
LATE = "not finished within 60 s (submission.py, line 3)"

RECORD = evaluation_record(id=ID, n=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a store with an evaluation whose runs failed in two ways."""
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(RECORD)
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


def test_machines_are_shown_unless_all_runs_were_on_this_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the class of their devices and how many runs each executed; participants are told of none."""
    show_command(ID, folder)
    assert "Executed on" not in capsys.readouterr().out
    here = socket.gethostname()
    with closing(open_store(folder, create=False)) as store:
        store.begin(replace(RECORD, id=OTHER))
        for index, node in enumerate([here, "b (10.0.0.2)", "b (10.0.0.2)"]):
            store.publish(OTHER, run_record(index=index, node=node, device_class="cpu"))
    show_command(OTHER, folder)
    assert f"Executed on b (10.0.0.2), cpu: 2 runs; {here}, cpu: 1 run." in capsys.readouterr().out
    show_command(OTHER, folder, participant=True)
    assert "10.0.0.2" not in capsys.readouterr().out


def test_the_first_failure_is_shown_with_its_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status first, above the table of runs; last the next command, with the evaluation's real name."""
    with closing(open_store(folder, create=False)) as store:
        summary = summary_of(evaluation=ID, reason="run 0 ended as crashed (SystemExit: 0)")
        store.finish(ID, summary.to_json())
    log = EvaluationPaths(folder=folder / ID).log(0)
    log.parent.mkdir(parents=True)
    log.write_text("printed\nTraceback\x1b[2J\n")
    show_command("mine", folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        f"evaluation {ID} on hidden",
        "mine: failed, 3 runs (2 crashed, 1 time-limit)",
        "  | printed",
        "  | Traceback\N{REPLACEMENT CHARACTER}[2J",
        "  crashed: SystemExit: 0",
        f"  {LEAVES}",
    ]
    assert lines[7].split()[:3] == ["run", "seed", "verdict"]
    assert lines[-1] == f"next: unlearn show {ID} --logs --store {folder}"
    show_command("last", folder, logs=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "run 0, crashed",
        "    | printed",
        "    | Traceback\N{REPLACEMENT CHARACTER}[2J",
    ]
    assert lines[3:] == ["run 1, crashed: no output", "run 2, time-limit: no output"]


def test_runs_without_output_share_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that follow each other and ended alike; an evaluation of 512 quiet runs is one line."""
    with closing(open_store(folder, create=False)) as store:
        store.begin(replace(RECORD, id=OTHER, n=6))
        for index, verdict in enumerate([Verdict.OK] * 4 + [Verdict.CRASHED, Verdict.OK]):
            store.publish(OTHER, run_record(index=index, verdict=verdict))
    log = EvaluationPaths(folder=folder / OTHER).log(4)
    log.parent.mkdir(parents=True)
    log.write_text("oh\n")
    show_command(OTHER, folder, logs=True)
    assert capsys.readouterr().out.splitlines() == [
        "runs 0, 1, 2 and 1 more, ok: no output",
        "run 4, crashed",
        "    | oh",
        "run 5, ok: no output",
    ]


def test_json_has_the_view(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside runs, terms and entries; an evaluation that has not ended has one too."""
    show_command(ID, folder, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["evaluation"], len(shown["runs"]), shown["summary"]) == (ID, 3, None)
    assert (shown["view"]["status"], shown["view"]["failure"]["run"]) == ("unfinished", 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"card": True, "logs": True}, "only one of"),
        ({"logs": True, "as_json": True}, "leave out --json"),
        ({"out": Path("x.json")}, "--out goes with"),
    ],
)
def test_options_that_exclude_each_other(folder: Path, options: dict[str, Any], message: str) -> None:
    """Nothing is shown."""
    with pytest.raises(ConfigurationError, match=message):
        show_command(ID, folder, **options)


def test_successful_runs_of_a_large_evaluation_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that failed are listed."""
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(RECORD)
        for index in range(30):
            verdict = Verdict.CRASHED if index == 17 else Verdict.OK
            store.publish(ID, run_record(index=index, seed=1000 + index, verdict=verdict))
    show_command(ID, tmp_path)
    text = capsys.readouterr().out
    assert "30 runs; --json lists all of them." in text
    assert "1017" in text
    assert "1016" not in text


def test_a_table_of_summaries_is_followed_by_the_advice(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `unlearn run` prints it, below the reason."""
    further = [f"mine: at mine.py:3: [red]{number}" for number in range(3)]
    summary = summary_of(reason="run 0 ended as crashed (SystemExit: 0)")
    show_summaries([summary], folder, as_json=False, further=further)
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("mine: no score: run 0 ended as crashed (SystemExit: 0)")
    assert lines[place + 1] == f"mine: {LEAVES}"
    assert lines[-4:-1] == further
    assert lines[-1] == f"Stored in {folder}; for details: unlearn show {ID} --store {folder}"
