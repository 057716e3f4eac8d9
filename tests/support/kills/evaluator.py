"""Processes that evaluate entries and take files, as the commands do, with runs that sleep in place of containers.

All else is real: leases, rows of runs, files of outputs, score card, manifest, pages of the web service.
"""

from __future__ import annotations

import os
import random
import sys
import time
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

import scoring.card.make  # noqa: F401 - so that forked processes have it, and need not import SciPy
from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs
from runner.cli.contest.evaluate import work_queue
from runner.cli.main import run_words
from runner.clients.runs import PlannedRun
from runner.competition.phase import Phase
from runner.contest.evaluator import EntryEvaluator
from runner.contest.host import phase_settings
from runner.contest.opened import open_contest
from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.engine.placement import DEFAULT_PLACEMENT
from runner.errors import RunnerError
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.executor import EvaluatedRun
from runner.execution.settings import Settings
from runner.progress import NullReporter
from runner.results.summary import Summary
from runner.store.records import EvaluationRecord
from runner.store.store import Store
from runner.submission.load import Submission
from runner.time_limits.terms import resolve_terms
from runner.verdict import Verdict
from tests.support.ended_evaluation import IMAGE, NoEngine
from tests.support.fake_executor import FakeExecutor, ended_run

CRASH: Final = "CRASH"
"""In the code of a submission whose runs crash."""
RUN_SECONDS: Final = 0.04
_POLL_SECONDS: Final = 0.2
_HASH: Final = "a" * 64


class SleepingExecutor(FakeExecutor):
    """Executes runs that sleep, and returns outputs that follow from the submission and the run."""

    def __init__(
        self, *, submission: Submission, challenge: Challenge, sink: Any, **_context: object
    ) -> None:
        """Prepare for one submission on a challenge."""
        super().__init__(sink=sink, run=self._ended, evaluate=_nothing)
        code = zipfile.ZipFile(BytesIO(submission.archive)).read("submission.py").decode()
        self._crashes = CRASH in code
        self._seed = int(submission.sha256[:8], 16)
        self._shapes = challenge.output_shapes

    def execute(
        self, planned: Sequence[PlannedRun], *, enough: Callable[[], bool]
    ) -> Generator[EvaluatedRun]:
        """Yield each run after a while."""
        for run in super().execute(planned, enough=enough):
            time.sleep(random.random() * 2 * RUN_SECONDS)
            yield run

    def _ended(self, planned: PlannedRun) -> EvaluatedRun:
        if self._crashes:
            return EvaluatedRun(ended=ended_run(planned.index, Verdict.CRASHED))
        shapes, rng = self._shapes, np.random.default_rng([self._seed, planned.index])
        outputs = NetworkOutputs(
            logits=rng.normal(size=(shapes.examples, shapes.classes)).astype(np.float32),
            correct=np.ones((4, shapes.classes), np.int64),
            unseen_losses=np.ones(shapes.unseen, np.float32),
        )
        return EvaluatedRun(ended=ended_run(planned.index), outputs=outputs, checkpoint_sha256=_HASH)


def _nothing(_index: int, _checkpoint: bytes) -> NetworkOutputs:
    raise AssertionError("outputs come with their runs")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluator:
    context: EvaluationContext
    challenge: Challenge
    settings: Settings

    def evaluation(self, submission: Submission) -> str:
        return evaluation_id_of(submission, self.challenge, IMAGE, self.settings)

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        store, challenge, name = self.context.store, self.challenge, self.evaluation(submission)
        store.begin(  # with its terms, or the time of retraining would be measured
            EvaluationRecord(
                id=name,
                submission_sha256=submission.sha256,
                submission=submission.name,
                archive_bytes=len(submission.archive),
                challenge=challenge.description.name,
                challenge_sha256=challenge.sha256,
                image=IMAGE.digest,
                n=self.settings.n,
                challenge_folder=str(challenge.folder),
            )
        )
        terms = resolve_terms(challenge.description.limits, challenge.description.feedback)
        store.agree(name, terms.machine, terms.model_dump(mode="json"))
        return evaluate(
            self.context,
            submission,
            challenge,
            self.settings,
            new_executor=SleepingExecutor,
            before_scoring=before_scoring,
        )


def evaluate_for_ever(contest: Path, store: Path, log: Path) -> None:
    """Work the queue as `unlearn competition evaluate` does, until the process is killed.

    Args:
        contest: Folder of the competition.
        store: Folder of the store.
        log: Receives what is printed.
    """
    with _ending_as_a_command(log), open_contest(contest, store) as opened:
        work_queue(
            opened,
            _opener(opened.store, store, contest),
            drain=False,
            entries=None,
            poll_seconds=_POLL_SECONDS,
        )


def sync_for_ever(contest: Path, store: Path, log: Path) -> None:
    """Take what lies in the folders of teams, as a timer does that types `unlearn competition sync`.

    Args:
        contest: Folder of the competition, which has the inbox.
        store: Folder of the store.
        log: Receives what is printed.
    """
    words = ["competition", "sync", str(contest), str(contest / "inbox"), "--phase", "feedback"]
    with _ending_as_a_command(log):
        while True:
            run_words([*words, "--store", str(store)])
            time.sleep(_POLL_SECONDS)


def _opener(store: Store, folder: Path, contest: Path) -> Callable[..., Any]:
    @contextmanager
    def open_evaluator(phase: Phase, path: str) -> Iterator[EntryEvaluator]:
        yield _Evaluator(
            context=EvaluationContext(
                engine=cast(Engine, NoEngine()),
                info=EngineInfo(),
                image=IMAGE,
                store=store,
                folder=folder,
                labels={},
                reporter=NullReporter(),
            ),
            challenge=load_challenge(contest / path),
            settings=phase_settings(phase, device="cpu", placement=DEFAULT_PLACEMENT),
        )

    return open_evaluator


@contextmanager
def _ending_as_a_command(log: Path) -> Iterator[None]:
    """Print into a file, and end the process with the exit code of an error of ours."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        yield
    except RunnerError as error:
        sys.stderr.write(f"ended: {error}\n")
        sys.stderr.flush()
        os._exit(error.exit_code)
