"""What is executed, attempted again, stopped and skipped, with an executor in memory."""

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


class Desk:
    """An evaluation in a store of its own, whose runs a test scripts."""

    def __init__(self, folder: Path, challenge: Challenge) -> None:
        self.folder, self.challenge = folder, challenge
        self.store = open_store(folder, create=True)
        self.paths = EvaluationPaths(folder=folder / NAME)
        self.executors: list[FakeExecutor] = []
        self.verdicts: dict[int, Verdict] = {}
        self.outputs_at_once = False
        self.rejects: set[int] = set()
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
        return EvaluatedRun(ended=ended, outputs=self.result(planned.index) if inline else None)

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
            reporter=NullReporter(),
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
def desk(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> Iterator[Desk]:
    opened = Desk(tmp_path / "store", load_challenge(Limits()))
    with closing(opened.store):
        yield opened


@pytest.mark.parametrize("at_once", [False, True])
def test_every_run_is_executed_evaluated_and_published_once(desk: Desk, at_once: bool) -> None:
    """Whether the executor brings outputs with a run or evaluates its checkpoint later."""
    desk.outputs_at_once = at_once
    assert desk.execute()
    assert desk.executors[0].executed == list(range(N))
    assert desk.executors[0].evaluated == ([] if at_once else list(range(N)))
    for index, run in desk.runs.items():
        assert (run.verdict, run.seed, run.attempt) == (Verdict.OK, desk.challenge.run_seed(index), 1)
        assert run.evaluated
        assert desk.paths.outputs(index).is_file()
        assert not desk.paths.checkpoint(index).exists(), "checkpoints go once they are evaluated"
    assert desk.outcomes == ["done"]


def test_a_failed_run_stops_the_evaluation(desk: Desk) -> None:
    """What has ended is published; nothing more is started, now or by the next command."""
    desk.verdicts[2] = Verdict.CRASHED
    desk.execute()
    assert desk.runs.keys() == {0, 1, 2}
    assert desk.outcomes == ["stopped at the first failure"]
    assert desk.executors[0].closed == 1, "the containers are removed at once"
    desk.execute()
    assert len(desk.executors) == 1


def test_keep_going_executes_the_rest(desk: Desk) -> None:
    """Also where an earlier command stopped."""
    desk.verdicts[2] = Verdict.CRASHED
    desk.execute()
    desk.execute(keep_going=True)
    assert desk.executors[1].executed == [3, 4, 5]
    assert desk.runs.keys() == set(range(N))


@pytest.mark.parametrize("at_once", [False, True])
def test_a_rejected_checkpoint_stops_the_evaluation_like_a_failed_run(desk: Desk, at_once: bool) -> None:
    """Its run is a bad checkpoint, with the reason."""
    desk.rejects, desk.outputs_at_once = {1}, at_once
    desk.execute()
    assert (desk.runs[1].verdict, desk.runs[1].detail) == (Verdict.BAD_CHECKPOINT, "not finite")
    assert 5 not in desk.runs


def test_a_lost_sandbox_costs_no_finished_run(desk: Desk) -> None:
    """The others are attempted again, and the attempts are recorded."""
    desk.execute(losses=(2, 1))
    assert desk.executors[0].executed == list(range(N)), "each run was executed once"
    assert {index: run.attempt for index, run in desk.runs.items()} == {0: 1, 1: 1, 2: 2, 3: 3, 4: 3, 5: 3}
    assert desk.outcomes == ["The worker container ended in mid-run."] * 2 + ["done"]


def test_a_sandbox_that_is_lost_again_and_again_ends_the_command(desk: Desk) -> None:
    """After three attempts; the next command continues."""
    with pytest.raises(SandboxLostError):
        desk.execute(losses=(1, 1, 1))
    assert desk.runs.keys() == {0, 1, 2}
    desk.execute()
    assert desk.executors[1].executed == [3, 4, 5]


def test_a_used_up_total_leaves_the_rest_unstarted(desk: Desk) -> None:
    """Each run takes a second by the host's clock; of three seconds the fourth run is not started."""
    desk.challenge = desk.challenge.with_limits(total_seconds=3.0)
    desk.execute()
    assert desk.executors[0].executed == [0, 1, 2]
    for index in (3, 4, 5):
        assert (desk.runs[index].verdict, desk.runs[index].attempt) == (Verdict.TIME_LIMIT, 0)
        assert "not started" in desk.runs[index].detail


def test_published_checkpoints_are_evaluated_by_the_next_command(desk: Desk) -> None:
    """As after a kill between a run's end and its evaluation; the run is not executed again."""
    desk.execute()
    desk.store.mark_unevaluated(NAME, 4)
    desk.paths.checkpoint(4).write_bytes(desk.challenge.data("original"))
    desk.paths.outputs(4).unlink()
    assert desk.execute()
    assert (desk.executors[1].executed, desk.executors[1].evaluated) == ([], [4])
    assert desk.runs[4].evaluated


def test_nothing_left_starts_nothing(desk: Desk) -> None:
    """The summary is what is missing then."""
    desk.execute()
    assert desk.execute(), "there is no summary yet"
    desk.store.finish(NAME, {"score": None})
    assert not desk.execute()
    assert len(desk.executors) == 1
