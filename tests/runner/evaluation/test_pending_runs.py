"""Pending runs are executed, retried, stopped and skipped as documented, with an executor in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.clients.runs import PlannedRun
from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.errors import SandboxLostError
from runner.evaluation.pending_runs import PendingRuns
from runner.execution.context import EvaluationContext
from runner.execution.executor import EvaluatedRun
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.progress import NullReporter
from runner.store.lease import evaluation_lease
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord, RunRecord
from runner.submission.load import Submission
from runner.verdict import Verdict
from tests.support.fake_executor import FakeExecutor, ended_run, outputs_with

N = 6
NAME = "0123456789ab"
MINE = Submission(name="mine", sha256="a" * 64, archive=b"zip")


class RecordingReporter(NullReporter):
    """Remembers what was counted."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def count(self, text: str, done: int, total: int) -> None:
        assert (text, total) == ("mine: runs", N)
        self.counts.append(done)


class ScriptedEvaluation:
    """An evaluation in its own store, whose runs end as a test determines."""

    def __init__(self, folder: Path, challenge: Challenge) -> None:
        self.folder, self.challenge = folder, challenge
        self.store = open_store(folder, create=True)
        self.paths = EvaluationPaths(folder=folder / NAME)
        self.executors: list[FakeExecutor] = []
        self.verdicts: dict[int, Verdict] = {}
        self.outputs_at_once = False
        self.rejects: set[int] = set()
        self.reporter = RecordingReporter()
        self.store.begin(
            EvaluationRecord(
                id=NAME,
                submission_sha256=MINE.sha256,
                submission=MINE.name,
                archive_bytes=3,
                challenge="tiny",
                challenge_sha256=challenge.sha256,
                image="c" * 64,
                n=N,
            )
        )

    def result(self, index: int) -> NetworkOutputs | Rejected:
        if index in self.rejects:
            return Rejected(reason="not finite")
        shapes = self.challenge.output_shapes
        return outputs_with(index, examples=shapes.examples, classes=shapes.classes, unseen=shapes.unseen)

    def run(self, planned: PlannedRun) -> EvaluatedRun:
        verdict = self.verdicts.get(planned.index, Verdict.OK)
        ended = ended_run(planned.index, verdict, checkpoint=self.challenge.data("original"))
        inline = self.outputs_at_once and verdict is Verdict.OK
        return EvaluatedRun(
            ended=ended,
            outputs=self.result(planned.index) if inline else None,
            node=f"machine\n{planned.index}",
            device_class="cpu",
        )

    def execute(self, *, keep_going: bool = False, losses: tuple[int, ...] = ()) -> bool:
        def new_executor(**arguments: Any) -> FakeExecutor:
            executor = FakeExecutor(
                run=self.run, evaluate=lambda index, _data: self.result(index), losses=losses, **arguments
            )
            self.executors.append(executor)
            return executor

        context = EvaluationContext(
            engine=cast(Engine, None),
            info=EngineInfo(),
            image=Image(digest="c" * 64, identity="sha256:1"),
            store=self.store,
            folder=self.folder,
            labels={},
            reporter=self.reporter,
        )
        with evaluation_lease(self.store.database, self.folder, NAME) as lease:
            pending = PendingRuns(
                context=context,
                submission=MINE,
                challenge=self.challenge,
                settings=Settings(n=N, keep_going=keep_going, keep_checkpoints=False),
                name=NAME,
                paths=self.paths,
                lease=lease,
                new_executor=new_executor,
            )
            return pending.execute()

    @property
    def runs(self) -> dict[int, RunRecord]:
        return {run.index: run for run in self.store.runs(NAME)}

    @property
    def outcomes(self) -> list[str | None]:
        return [attempt.outcome for attempt in self.store.attempts(NAME)]


@pytest.fixture
def evaluation(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> Iterator[ScriptedEvaluation]:
    evaluation = ScriptedEvaluation(tmp_path / "store", load_challenge(Limits()))
    with closing(evaluation.store):
        yield evaluation


@pytest.mark.parametrize("at_once", [False, True])
def test_every_run_is_executed_evaluated_and_published_once(
    evaluation: ScriptedEvaluation, at_once: bool
) -> None:
    """This holds whether the executor returns outputs with a run or evaluates its checkpoint later."""
    evaluation.outputs_at_once = at_once
    assert evaluation.execute()
    assert evaluation.executors[0].executed == list(range(N))
    assert evaluation.executors[0].evaluated == ([] if at_once else list(range(N)))
    for index, run in evaluation.runs.items():
        assert (run.verdict, run.seed, run.attempt) == (Verdict.OK, evaluation.challenge.run_seed(index), 1)
        assert run.evaluated
        assert (run.node, run.device_class) == (f"machine {index}", "cpu"), "sanitized: a node says its name"
        assert evaluation.paths.outputs(index).is_file()
        assert not evaluation.paths.checkpoint(index).exists(), (
            "checkpoints are removed once they are evaluated"
        )
    assert evaluation.outcomes == ["done"]


def test_the_number_of_finished_runs_is_shown_from_the_start(evaluation: ScriptedEvaluation) -> None:
    """Once the first run is in progress: 0, or what an earlier command has finished."""
    evaluation.verdicts[2] = Verdict.CRASHED
    evaluation.execute()
    evaluation.execute(keep_going=True)
    assert evaluation.reporter.counts == [0, 1, 2, 3, *range(3, N + 1)]


def test_a_failed_run_stops_the_evaluation(evaluation: ScriptedEvaluation) -> None:
    """Ended runs are published; no other is started, neither now nor by the next command."""
    evaluation.verdicts[2] = Verdict.CRASHED
    evaluation.execute()
    assert evaluation.runs.keys() == {0, 1, 2}
    assert evaluation.outcomes == ["stopped at the first failure"]
    assert evaluation.executors[0].closed == 1, "the containers are removed at once"
    evaluation.execute()
    assert len(evaluation.executors) == 1


def test_keep_going_executes_the_remaining_runs(evaluation: ScriptedEvaluation) -> None:
    """It resumes an evaluation that an earlier command stopped."""
    evaluation.verdicts[2] = Verdict.CRASHED
    evaluation.execute()
    evaluation.execute(keep_going=True)
    assert evaluation.executors[1].executed == [3, 4, 5]
    assert evaluation.runs.keys() == set(range(N))


@pytest.mark.parametrize("at_once", [False, True])
def test_a_rejected_checkpoint_stops_the_evaluation_like_a_failed_run(
    evaluation: ScriptedEvaluation, at_once: bool
) -> None:
    """The run gets the verdict bad-checkpoint, with the reason."""
    evaluation.rejects, evaluation.outputs_at_once = {1}, at_once
    evaluation.execute()
    assert (evaluation.runs[1].verdict, evaluation.runs[1].detail) == (Verdict.BAD_CHECKPOINT, "not finite")
    assert 5 not in evaluation.runs


def test_a_lost_sandbox_loses_no_finished_run(evaluation: ScriptedEvaluation) -> None:
    """Unfinished runs are attempted again, and each attempt is recorded."""
    evaluation.execute(losses=(2, 1))
    assert evaluation.executors[0].executed == list(range(N)), "each run was executed once"
    assert {index: run.attempt for index, run in evaluation.runs.items()} == {
        0: 1,
        1: 1,
        2: 2,
        3: 3,
        4: 3,
        5: 3,
    }
    assert evaluation.outcomes == ["The worker container ended in mid-run."] * 2 + ["done"]


def test_a_sandbox_lost_three_times_ends_the_command(evaluation: ScriptedEvaluation) -> None:
    """The next command continues with the unfinished runs."""
    with pytest.raises(SandboxLostError):
        evaluation.execute(losses=(1, 1, 1))
    assert evaluation.runs.keys() == {0, 1, 2}
    evaluation.execute()
    assert evaluation.executors[1].executed == [3, 4, 5]


def test_a_used_up_time_budget_skips_the_remaining_runs(evaluation: ScriptedEvaluation) -> None:
    """With a second per run by the host's clock and three in total, the fourth run is not started."""
    evaluation.challenge = evaluation.challenge.with_limits(total_seconds=3.0)
    evaluation.execute()
    assert evaluation.executors[0].executed == [0, 1, 2]
    for index in (3, 4, 5):
        assert (evaluation.runs[index].verdict, evaluation.runs[index].attempt) == (Verdict.TIME_LIMIT, 0)
        assert "not started" in evaluation.runs[index].detail


def test_published_checkpoints_are_evaluated_by_the_next_command(evaluation: ScriptedEvaluation) -> None:
    """After a kill between a run's end and its evaluation, the run is not executed again."""
    evaluation.execute()
    evaluation.store.mark_unevaluated(NAME, 4)
    evaluation.paths.checkpoint(4).write_bytes(evaluation.challenge.data("original"))
    evaluation.paths.outputs(4).unlink()
    assert evaluation.execute()
    assert (evaluation.executors[1].executed, evaluation.executors[1].evaluated) == ([], [4])
    assert evaluation.runs[4].evaluated


def test_a_finished_evaluation_starts_no_executor(evaluation: ScriptedEvaluation) -> None:
    """Without a summary it only has to be scored; with one nothing is left to do."""
    evaluation.execute()
    assert evaluation.execute(), "there is no summary yet"
    evaluation.store.finish(NAME, {"score": None})
    assert not evaluation.execute()
    assert len(evaluation.executors) == 1
