"""`unlearn show --controls` is the only place where an organizer sees runs on control problems apart."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from runner.challenge.layout import control_folder
from runner.cli.show import show_command
from runner.errors import ConfigurationError
from runner.reports.controls import ProblemRuns, comparison_line, controls_json, controls_table
from runner.reports.participant import filtered_view
from runner.reports.views.model import EvaluationView, NoticeView
from runner.store.open_store import open_store
from runner.store.paths import control_evaluation_id
from runner.verdict import Verdict
from scoring.card.levels import NOT_UNLEARNING
from scoring.controls.comparison import ProblemFigures, judge
from tests.runner.cli.test_json_document import documented
from tests.support.records import evaluation_record, run_record

ID = "0123456789ab"
PARTS = [control_evaluation_id(ID, f"{number:064x}") for number in (1, 2, 10)]
RECORD = evaluation_record(id=ID, n=16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a store with an evaluation that has three parts, of which the tenth failed."""
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(RECORD)
        store.publish(ID, run_record(index=0))
        for number, part in zip((1, 2, 10), PARTS, strict=True):
            store.begin(
                replace(
                    RECORD,
                    id=part,
                    challenge=f"hidden, control {number}",
                    challenge_folder=str(control_folder(Path("/data/hidden"), number)),
                    parent=ID,
                )
            )
            verdict = Verdict.CRASHED if number == 10 else Verdict.OK
            store.publish(part, run_record(index=0, verdict=verdict))
            store.publish(part, run_record(index=1))
    return tmp_path


def test_each_problem_has_a_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of their numbers."""
    show_command(ID, folder, controls=True)
    lines = capsys.readouterr().out.splitlines()
    rows = [" ".join(line.split()[:2]) for line in lines if "of 16" in line]
    assert [row.split()[0] for row in rows] == ["challenge", "control", "control", "control"]
    assert rows[1:] == ["control 1", "control 2", "control 10"]
    assert [line for line in lines if "1 crashed, 1 ok" in line]
    assert [line for line in lines if line.startswith("control 10, run 0: crashed")]


def test_json_has_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a score card there are no figures."""
    show_command(ID, folder, controls=True, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert [problem["evaluation"] for problem in shown["problems"]] == [ID, *PARTS]
    assert shown["problems"][3]["verdicts"] == {"crashed": 1, "ok": 1}
    assert shown["problems"][0]["figures"] is shown["flagged"] is None


def test_no_other_output_names_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the evaluation as it is usually shown, nor its JSON."""
    show_command(ID, folder)
    show_command(ID, folder, as_json=True)
    shown = capsys.readouterr().out
    assert "control" not in shown
    assert not [part for part in PARTS if part in shown]


def test_an_evaluation_without_parts_is_refused(tmp_path: Path) -> None:
    """And so are two outputs at once."""
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(RECORD)
    with pytest.raises(ConfigurationError, match="no runs on control problems"):
        show_command(ID, tmp_path, controls=True)
    with pytest.raises(ConfigurationError, match="Name only one of"):
        show_command(ID, tmp_path, controls=True, logs=True)


@pytest.mark.parametrize("width", [30, 80, 140])
def test_the_figures_of_a_card_are_shown(width: int) -> None:
    """Those that fit; the line below them says what they come to."""
    comparison = judge(
        [ProblemFigures(epsilon=0.7, forgetting_quality=0.2, share=share) for share in (1.0, 0.25)],
        runs=16,
        references=64,
        ceiling=0.2,
    )
    problems = [ProblemRuns(name=name, evaluation=ID, n=16, runs=[]) for name in ("challenge", "control 1")]
    console = Console(width=width)
    with console.capture() as shown:
        console.print(controls_table(problems, comparison, width))
    lines = shown.get().splitlines()
    assert max(map(len, lines)) <= width
    assert ("75 %" in shown.get(), "25 %" in shown.get()) == (False, width >= 80)
    assert comparison_line(comparison).endswith("75 % of the ceiling; the limit is 41 %.")
    fields = controls_json(ID, problems, comparison)
    assert (fields["flagged"], fields["problems"][1]["figures"]["share"]) == (True, 0.25)
    assert documented("Control problems") == fields.keys()


def test_participants_do_not_see_the_flag() -> None:
    """It would tell that there are control problems; other suspicions stay."""
    notices = [
        NoticeView(kind=kind, level="suspicion", sentence="Something was prepared.")
        for kind in (NOT_UNLEARNING, "mixture")
    ]
    view = EvaluationView(
        evaluation=ID,
        submission="mine",
        challenge="hidden",
        n=16,
        status="scored",
        verdicts={},
        notices=notices,
    )
    assert [notice.kind for notice in filtered_view(view, "full").notices] == ["mixture"]
    assert filtered_view(view, "verdict-only").notices == []
