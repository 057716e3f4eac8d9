"""`unlearn report` as it is typed: the policy that was agreed on, a file or stdout, exit codes."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.limits import Limits
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord, RunRecord
from runner.time_limits.terms import resolve_terms
from runner.verdict import Verdict
from tests.support.command import command_line
from tests.support.records import summary_of

ID = "0123456789ab"
SECRET = "pixels-7-31"


@pytest.fixture(params=["full", "verdict-only"])
def policy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, policy: str) -> Path:
    """Return a store with an evaluation whose only run leaked what it could."""
    folder = tmp_path / "store"
    with closing(open_store(folder, create=True)) as store:
        store.begin(
            EvaluationRecord(
                id=ID,
                submission_sha256="a" * 64,
                submission="mine",
                archive_bytes=1,
                challenge="hidden",
                challenge_sha256="b" * 64,
                image="c" * 64,
                n=2,
            )
        )
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
    command = command_line("report", ID[:6], "--store", folder, *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_shown(folder: Path, policy: str) -> None:
    """What was printed and raised under `full`; the verdict and a well-known name under the other."""
    text, data = report(folder), report(folder, "--json")
    assert (text.returncode, data.returncode) == (0, 0)
    told = json.loads(data.stdout)
    assert told["feedback"] == policy
    assert told["verdicts"] == {"crashed": 1}
    assert told["runs"][0]["exception"] == "ValueError"
    for shown in (text.stdout, data.stdout):
        assert (SECRET in shown) == (policy == "full")
        assert "ValueError" in shown
        assert str(folder) not in shown


def test_written(folder: Path, tmp_path: Path) -> None:
    """A file holds what would have been shown, and nothing is shown."""
    out = tmp_path / "told.json"
    done = report(folder, "--json", "--out", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert out.read_text() == report(folder, "--json").stdout


def test_errors(folder: Path, tmp_path: Path) -> None:
    """No such store is exit code 2, a file that cannot be written 3; one sentence each."""
    (tmp_path / "file").write_text("")
    for done, code in (
        (report(tmp_path / "nowhere"), 2),
        (report(folder, "--out", tmp_path / "file" / "told"), 3),
    ):
        assert done.returncode == code
        assert done.stderr.startswith("unlearn: ")
        assert "Traceback" not in done.stderr
