"""Each typical failure, as real runs stored it: after one `unlearn check` file, line and advice are on the screen."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import TypeAdapter

from runner.cli.participant.check_output import CheckOutput
from runner.reports.participant import filtered_view
from runner.reports.views.make import make_view
from runner.reports.views.model import EvaluationView
from runner.store.records import RunRecord
from tests.support.paths import TEST_DATA
from tests.support.records import stored_evaluation
from tests.support.typical.failures import FAILURES, OTHERS, require_on_screen

RECORD: Final = json.loads((TEST_DATA / "typical_failures.json").read_text(encoding="utf-8"))
RUNS: Final = TypeAdapter(list[RunRecord])


def view_of(name: str, path: str) -> tuple[EvaluationView, bool]:
    """Return the view of a recorded check, and whether its runs printed anything."""
    record: dict[str, Any] = RECORD[name]
    logs = record["logs"]
    view = make_view(
        evaluation=stored_evaluation(n=2, summary=record["summary"], started_at=datetime.now(UTC)),
        runs=RUNS.validate_python(record["runs"]),
        terms=[{"wall_seconds": 60.0, "feedback": "full"}],
        log=lambda index: str(logs[str(index)]),
        name=name,
        path=path,
    )
    return view, any(log.strip() for log in logs.values())


def test_there_are_thirteen() -> None:
    """Each is recorded, and so are further members of their kinds."""
    assert len(FAILURES) == 13
    assert RECORD.keys() == {*FAILURES, *OTHERS}


@pytest.mark.parametrize("name", [*FAILURES, *OTHERS])
def test_a_typical_failure_is_explained_at_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By its file as typed, the line itself, the cause, and what to do; without a line only if none is to blame."""
    file = f"mine/{name}.py"
    view, printed = view_of(name, file)
    output = CheckOutput(as_json=False, github=False, junit=None)
    view = filtered_view(view, "full")
    output.print_view(view.model_copy(update={"next": output.next_steps(Path(file), view, printed=printed)}))
    require_on_screen((FAILURES | OTHERS)[name], file, capsys.readouterr().out)


def test_the_advice_hides_what_the_policy_hides() -> None:
    """Under `verdict-only` neither place nor message of any of them is left."""
    for name in (*FAILURES, *OTHERS):
        view = filtered_view(view_of(name, "mine.py")[0], "verdict-only")
        assert view.notices == []
        if view.failure is not None:
            assert (view.failure.file, view.failure.source, view.failure.traceback) == (None, "", "")
            assert view.failure.message == view.failure.exception
