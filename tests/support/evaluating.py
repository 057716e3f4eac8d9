"""An evaluation run by `unlearn run` in its own process, which fault tests interrupt."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from runner.challenge.challenge import Challenge
from runner.challenge.seeds import derive_run_seed
from runner.errors import RunnerError
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.records import RunRecord
from tests.support.command import start_command, unlearn

N: Final = 8
PATIENCE_SECONDS: Final = 240.0
PUBLISHED: Final = ("seed", "attempt", "verdict", "checkpoint_sha256", "host_seconds")
"""Fields of a run that never change once it is published; its outputs may follow later."""

SLOW_NOISE: Final = """
import time, torch

def unlearning(net, retain, forget, val):
    if torch.initial_seed() not in FIRST_SEEDS: time.sleep(1.2)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
"""
"""Three runs end quickly; the others are slow, so that a test on a busy machine has seconds to act."""


def first_seeds(challenge: Challenge, count: int) -> set[int]:
    """Return the seeds of the first runs: all that tells a run which one it is, and only to a test."""
    return {derive_run_seed(challenge.description, challenge.sha256, index) for index in range(count)}


class Evaluating:
    """One evaluation, started in its own process as often as a test needs."""

    def __init__(self, challenge: Challenge, folder: Path, **environment: str) -> None:
        self.store = folder / "store"
        self._submission = folder / "mine"
        self._submission.mkdir()
        # Of its own: another worker's test of the same submission would have an evaluation of the same name.
        source = SLOW_NOISE.replace("FIRST_SEEDS", str(first_seeds(challenge, 3)))
        (self._submission / "submission.py").write_text(f"{source}# {uuid.uuid4()}\n")
        self._challenge, self._environment = challenge.folder, environment

    def start(self) -> subprocess.Popen[str]:
        submission, challenge = self._submission, self._challenge
        return start_command(
            *("run", submission, "-c", challenge, "-n", N, "--store", self.store, "--json"),
            **self._environment,
        )

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        """Return exit code, stdout, and the one sentence on stderr if there is one."""
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in err, err
        sentences = [line for line in err.splitlines() if line.startswith("unlearn: ")]
        assert len(sentences) == (process.returncode != 0), err
        return process.returncode, out, sentences[0] if sentences else ""

    def run(self) -> tuple[int, str, str]:
        return self.end(self.start())

    def name(self) -> str:
        with closing(open_store(self.store, create=False)) as store:
            return store.evaluations()[0].id

    def runs(self) -> dict[int, RunRecord]:
        try:
            with closing(open_store(self.store, create=False)) as store:
                names = store.evaluations()
                return {run.index: run for run in store.runs(names[0].id)} if names else {}
        except RunnerError:
            return {}  # the store does not exist yet

    def attempts(self) -> list[str | None]:
        with closing(open_store(self.store, create=False)) as store:
            return [attempt.outcome for attempt in store.attempts(self.name())]

    def wait_until(self, process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` is true; fail if the command ends before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def until_published(self, process: subprocess.Popen[str], count: int) -> dict[int, RunRecord]:
        """Wait until ``count`` runs are published, and return the published runs."""
        self.wait_until(process, lambda: len(self.runs()) >= count)
        return self.runs()

    @contextlib.contextmanager
    def suspended(self, process: subprocess.Popen[str]) -> Iterator[sqlite3.Connection]:
        """Suspend the command, and yield a connection to its database; make changes immediately.

        A command suspended in the middle of a write keeps the database locked, so it is resumed and
        suspended again.
        """
        while True:
            process.send_signal(signal.SIGSTOP)
            try:
                os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                with closing(sqlite3.connect(self.store / DATABASE_FILE, timeout=0.1)) as database:
                    database.isolation_level = None
                    try:
                        database.execute("BEGIN IMMEDIATE")
                    except sqlite3.OperationalError:
                        continue
                    database.rollback()
                    yield database
                    return
            finally:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)  # let it proceed before it is suspended again

    def files(self) -> dict[str, int]:
        """Return the modification time of every file of the evaluation, by path."""
        folder = self.store / self.name()
        return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def require_preserved(before: dict[int, RunRecord], after: dict[int, RunRecord]) -> None:
    """Require that published runs are unchanged, except that they may have been evaluated since."""
    for index, run in before.items():
        assert [getattr(after[index], name) for name in PUBLISHED] == [
            getattr(run, name) for name in PUBLISHED
        ]
        assert run.outputs_sha256 in ("", after[index].outputs_sha256)


def require_complete(evaluating: Evaluating, out: str, before: dict[int, RunRecord]) -> dict[str, Any]:
    """Require that all runs are successful and those of ``before`` preserved; verify the evaluation."""
    summary = json.loads(out)
    assert summary["verdicts"] == {"ok": N}
    require_preserved(before, evaluating.runs())
    unlearn("verify", evaluating.name(), "--store", evaluating.store, "--json")
    assert not [file for file in evaluating.files() if ".part" in file]
    return dict(summary)
