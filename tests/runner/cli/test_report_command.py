"""`unlearn show --participant` follows the agreed feedback policy, writes to stdout or a file, and sets exit codes."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.limits import Limits
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import RunRecord
from runner.time_limits.terms import resolve_terms
from runner.verdict import Verdict
from tests.support.command import type_command
from tests.support.records import evaluation_record, summary_of

ID = "0123456789ab"
SECRET = "pixels-7-31"


@pytest.fixture(params=["full", "verdict-only"])
def policy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, policy: str) -> Path:
    """Return a store with an evaluation whose only run leaked a secret wherever it could."""
    folder = tmp_path / "store"
    with closing(open_store(folder, create=True)) as store:
        store.begin(evaluation_record(id=ID, n=2))
        terms = resolve_terms(Limits(), policy)  # type: ignore[arg-type]
        store.agree(ID, terms.machine, terms.model_dump(mode="json"))
        store.publish(
            ID,
            RunRecord(
                index=0,
                seed=1,
                attempt=1,
                verdict=Verdict.CRASHED,
                detail=f"ValueError: {SECRET}",
                host_seconds=1.25,
                run_seconds=1.0,
                checkpoint_sha256="",
                log_bytes_dropped=7,
                exception_type="ValueError",
            ),
        )
        store.finish(ID, summary_of(reason=f"run 0: {SECRET}", warnings=[SECRET]).to_json())
    log = EvaluationPaths(folder=folder / ID).log(0)
    log.parent.mkdir(parents=True)
    log.write_text(f"printed {SECRET}\n")
    return folder


def report(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return type_command("show", ID[:6], "--participant", "--store", folder, *arguments)


def test_the_report_follows_the_feedback_policy(folder: Path, policy: str) -> None:
    """`full` shows output and exception; `verdict-only` the verdict and a well-known exception name."""
    text, data = report(folder), report(folder, "--json")
    assert (text.returncode, data.returncode) == (0, 0)
    view = json.loads(data.stdout)
    assert view["feedback"] == policy
    assert view["verdicts"] == {"crashed": 1}
    assert view["runs"][0]["exception"] == "ValueError"
    for output in (text.stdout, data.stdout):
        assert (SECRET in output) == (policy == "full")
        assert "ValueError" in output
        assert str(folder) not in output


def test_out_writes_the_report_to_a_file(folder: Path, tmp_path: Path) -> None:
    """The file holds what stdout would have shown, and stdout stays empty."""
    out = tmp_path / "report.json"
    process = report(folder, "--json", "--out", out)
    assert (process.returncode, process.stdout) == (0, "")
    assert out.read_text() == report(folder, "--json").stdout


def test_a_wrong_path_is_one_sentence_with_its_exit_code(folder: Path, tmp_path: Path) -> None:
    """A missing store ends with exit code 2, a file that cannot be written with 3."""
    (tmp_path / "file").write_text("")
    for process, code in (
        (report(tmp_path / "nowhere"), 2),
        (report(folder, "--out", tmp_path / "file" / "report"), 3),
    ):
        assert process.returncode == code
        assert process.stderr.startswith("unlearn: ")
        assert "Traceback" not in process.stderr


def test_the_earlier_name_works_and_prints_the_new_command(folder: Path) -> None:
    """With the evaluation's name; stdout is the same."""
    earlier = type_command("report", ID[:6], "--store", folder)
    assert (earlier.returncode, earlier.stdout) == (0, report(folder).stdout)
    assert earlier.stderr == f"note: unlearn report is now: unlearn show {ID} --participant\n"
