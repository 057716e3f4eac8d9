"""Limits of time against real containers: fractions of retraining, and totals of an evaluation."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.seeds import derive_run_seed
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.progress import NullReporter
from runner.submission.load import Submission, load_submission
from runner.verdict import Verdict
from tests.support.command import command_line

pytestmark = pytest.mark.container

SLOW = "import time\ndef unlearning(*_):\n    time.sleep(0.4)\n"
THIRD_IS_LONG = """
import time, torch
def unlearning(*_):
    if torch.initial_seed() == SEED: time.sleep(TOTAL + 0.5)
"""
ENDLESS = "import time\ndef unlearning(*_):\n    time.sleep(600)\n"
SETTINGS = Settings(n=8, keep_going=False, keep_checkpoints=False)


class Listening(NullReporter):
    """Keeps what is told, and interrupts once so many runs have ended."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.steps: list[str] = []
        self._stop_at = stop_at

    def step(self, text: str) -> None:
        self.steps.append(text)

    def count(self, text: str, done: int, total: int) -> None:
        if "runs" in text and done == self._stop_at:
            raise KeyboardInterrupt


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Submission]:
    def write(source: str) -> Submission:
        file = tmp_path / "mine.py"
        file.write_text(source)
        return load_submission(file)

    return write


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("stop_at", [None, 2])
def test_no_run_is_started_once_the_total_is_used_up(
    evaluation_context: Callable[..., EvaluationContext],
    challenge: Challenge,
    written: Callable[[str], Submission],
    tmp_path: Path,
    stop_at: int | None,
) -> None:
    """The third run takes more than all may take together: the other five are `time-limit`, were never
    started, and an interruption after the second run changes nothing of it."""
    total_seconds = 6.0  # many times what the first two take, on a busy machine too
    short = challenge.with_limits(total_seconds=total_seconds, concurrency=1)
    store = tmp_path / "store"
    seed = derive_run_seed(short.description, short.sha256, 2)
    submission = written(THIRD_IS_LONG.replace("TOTAL", str(total_seconds)).replace("SEED", str(seed)))
    if stop_at is not None:
        with pytest.raises(KeyboardInterrupt):
            evaluate(evaluation_context(store, Listening(stop_at)), submission, short, SETTINGS)
    desk = evaluation_context(store)
    summary = evaluate(desk, submission, short, SETTINGS)
    runs = desk.store.runs(summary.evaluation)
    assert summary.verdicts == {"ok": 3, "time-limit": 5}
    assert summary.score is None
    assert sum(run.host_seconds for run in runs[:2]) < total_seconds < runs[2].host_seconds
    for run in runs[3:]:
        assert run.verdict is Verdict.TIME_LIMIT
        assert run.detail.startswith("not started: the 6 s of the whole evaluation")
        assert (run.host_seconds, run.attempt, run.checkpoint_sha256) == (0.0, 0, "")
    again = Listening()
    assert evaluate(evaluation_context(store, again), submission, short, SETTINGS) == summary
    assert again.steps == []


def test_a_total_that_is_enough_changes_nothing(
    evaluation_context: Callable[..., EvaluationContext],
    challenge: Challenge,
    written: Callable[[str], Submission],
    tmp_path: Path,
) -> None:
    """All runs are done."""
    enough = challenge.with_limits(total_seconds=600.0)
    summary = evaluate(evaluation_context(tmp_path / "store"), written(SLOW), enough, SETTINGS)
    assert summary.verdicts == {"ok": 8}


def test_a_fraction_is_measured_once_and_decides_the_verdict(
    evaluation_context: Callable[..., EvaluationContext],
    challenge: Challenge,
    written: Callable[[str], Submission],
    tmp_path: Path,
    cache: Path,
) -> None:
    """The digits retrain in about a second, so a fifth of it is the floor of 1 s: an endless run
    ends there. What was measured is kept with the evaluation and for the next one."""
    fifth = challenge.with_limits(wall_fraction=0.2)
    submission = written(ENDLESS)
    first = Listening()
    desk = evaluation_context(tmp_path / "store", first)
    summary = evaluate(desk, submission, fifth, SETTINGS)
    assert any("time retraining" in step for step in first.steps)
    name = summary.evaluation
    assert name == evaluation_id_of(submission, challenge, desk.image, SETTINGS)
    run = desk.store.runs(name)[0]
    assert run.verdict is Verdict.TIME_LIMIT
    (terms,) = desk.store.all_terms(name)
    assert run.detail.startswith(f"not finished within {terms['wall_seconds']:g} s")
    assert terms["wall_seconds"] == max(1.0, 0.2 * terms["retrain_seconds"])
    assert 0.05 < terms["retrain_seconds"] < 60.0
    (file,) = cache.rglob("*.json")
    assert json.loads(file.read_text())["measurement"]["retrain_seconds"] == terms["retrain_seconds"]
    second = Listening()
    evaluate(evaluation_context(tmp_path / "other", second), submission, fifth, SETTINGS)
    assert second.steps
    assert not any("time retraining" in step for step in second.steps)


def test_measuring_is_repeated_on_demand_and_shown(challenge: Challenge, cache: Path) -> None:
    """`unlearn challenge measure` says what was timed, what it comes to, and keeps it."""
    command = command_line("challenge", "measure", challenge.folder)
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    measured = report["measurement"]
    assert len(measured["epoch_seconds"]) == 3
    assert measured["epochs"] >= 2
    epochs = challenge.description.training.epochs
    assert measured["retrain_seconds"] == pytest.approx(epochs * sorted(measured["epoch_seconds"])[1])
    assert report["wall_seconds"] == challenge.description.limits.wall_seconds
    (file,) = (cache / "unlearn").rglob("*.json")
    before = file.read_bytes()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert file.read_bytes() != before
    assert file.stat().st_uid == os.getuid()
