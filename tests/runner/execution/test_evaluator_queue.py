"""Every checkpoint is evaluated once, even if evaluators fail, and concurrency stays bounded."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.outputs import NetworkOutputs, OutputShapes, pack_outputs, unpack_outputs
from runner.clients.evaluator import EvaluatorClient
from runner.engine.api import ContainerExit, Stream
from runner.errors import SandboxLostError
from runner.execution.evaluator_queue import EVALUATOR_FAILED_TWICE, EvaluatorQueue
from sandbox.protocol.frames import Frame, encode_header
from sandbox.protocol.messages import TO_EVALUATOR
from tests.support.fake_stream import FakeStream

Script = Callable[[Frame], Iterable[tuple[float, bytes | None]]]
EXAMPLES, CLASSES, UNSEEN = 3, 2, 2
ORIGINAL = -1


def outputs_of(index: int) -> bytes:
    """Return the frame of a checkpoint's outputs: its index in every element."""
    logits = np.full((EXAMPLES, CLASSES), index, "<f4").tobytes()
    rest = np.full((4, CLASSES), index, "<i8").tobytes() + np.full(UNSEEN, index, "<f4").tobytes()
    return encode_header("outputs", len(logits + rest), index=index) + logits + rest


class Sink:
    """A sink that records results, and stores checkpoints and outputs in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.evaluated: list[int] = []
        self.rejected: list[tuple[int, str]] = []

    def checkpoint(self, index: int) -> Path:
        return self.folder / f"{index}.checkpoint"

    def outputs(self, index: int) -> Path:
        return self.folder / f"{index}.outputs"

    def read_checkpoint(self, index: int) -> bytes:
        return self.checkpoint(index).read_bytes()

    def publish_outputs(self, index: int, outputs: NetworkOutputs) -> None:
        self.outputs(index).write_bytes(pack_outputs(outputs))
        self.evaluated.append(index)
        self.checkpoint(index).unlink()

    def reject(self, index: int, reason: str) -> None:
        self.rejected.append((index, reason))
        self.checkpoint(index).unlink()


class QueueHarness:
    """An evaluator queue between a sink and scripted evaluators."""

    def __init__(self, folder: Path, challenge: Challenge) -> None:
        self.folder, self.sink, self._challenge = folder, Sink(folder), challenge
        self.streams: list[FakeStream] = []

    def checkpoint(self, index: int) -> Path:
        return self.sink.checkpoint(index)

    def outputs(self, index: int) -> Path:
        return self.sink.outputs(index)

    def new_queue(self, *scripts: Script, cores: int = 1, keep_going: bool = True) -> EvaluatorQueue:
        """Return a queue whose containers follow the scripts, one after another."""
        remaining_scripts = iter(scripts)

        def start() -> Stream:
            script = next(remaining_scripts)
            ending = getattr(script, "ending", FAILED)
            self.streams.append(FakeStream(script, rules=TO_EVALUATOR, ending=ending))
            self.streams[-1].running = getattr(script, "running", True)
            self.streams[-1].frozen = getattr(script, "frozen", False)
            return self.streams[-1]

        def evaluator(*, stream: Any, **rest: Any) -> EvaluatorClient:
            return EvaluatorClient(stream=stream, clock=stream.clock, **rest)

        return EvaluatorQueue(
            start=start,
            challenge=self._challenge,
            sink=self.sink,
            cores=cores,
            keep_going=keep_going,
            evaluator=evaluator,
        )

    def add_checkpoints(self, evaluator_queue: EvaluatorQueue, indices: Iterable[int]) -> None:
        for index in indices:
            self.checkpoint(index).write_bytes(b"weights")
            evaluator_queue.add(index)

    def evaluate(self, indices: Iterable[int], *scripts: Script, keep_going: bool = True) -> EvaluatorQueue:
        """Evaluate checkpoints that are all queued from the start."""
        evaluator_queue = self.new_queue(*scripts, keep_going=keep_going)
        self.add_checkpoints(evaluator_queue, indices)
        with evaluator_queue:
            evaluator_queue.finish()
        return evaluator_queue

    def remaining(self) -> set[int]:
        """Return the indices whose checkpoints still exist."""
        return {int(file.stem) for file in self.folder.glob("*.checkpoint")}

    def sent(self) -> list[list[int]]:
        """Return the indices that each container was sent; the original network's is -1."""
        return [[fields["index"] for fields in stream.sent_fields("checkpoint")] for stream in self.streams]

    def stored_value(self, index: int) -> float:
        """Return the value that every element of a checkpoint's outputs has."""
        shapes = OutputShapes(examples=EXAMPLES, classes=CLASSES, unseen=UNSEEN)
        outputs = unpack_outputs(self.outputs(index).read_bytes(), shapes)
        assert len({*outputs.logits.ravel(), *outputs.correct.ravel(), *outputs.unseen_losses}) == 1
        return float(outputs.logits[0, 0])


@pytest.fixture
def harness(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> QueueHarness:
    return QueueHarness(tmp_path, load_challenge(Limits()))


FAILED, KILLED = ContainerExit(exit_code=1, oom_killed=False), ContainerExit(exit_code=137, oom_killed=False)
ENDS: tuple[tuple[float, bytes | None], ...] = ((0.0, None),)
IS_SILENT: tuple[tuple[float, bytes | None], ...] = ()
IS_SLOW = tuple((30.0 * minute, encode_header("progress", 0)) for minute in range(1, 10_000))


class Container:
    """A scripted evaluator: ready, then outputs; it ends, fails or rejects as its arguments say."""

    def __init__(
        self,
        *,
        ends_after: int | None = None,
        fails_with: Collection[int] = (),
        failure: Sequence[tuple[float, bytes | None]] = ENDS,
        ending: ContainerExit | None = FAILED,
        running: bool = True,
        frozen: bool = False,
        rejects: int | None = None,
        backwards: int = 1,
    ) -> None:
        self.ends_after, self.fails_with = ends_after, fails_with
        self.failure, self.ending, self.running, self.frozen = failure, ending, running, frozen
        self.rejects, self.backwards = rejects, backwards
        self.pending: list[int] = []
        self.answers = 0

    def __call__(self, frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        if frame.kind == "data" and frame.text("name") == "test":
            yield 0.0, encode_header("ready", 0, seconds=0.5)
        if frame.kind != "checkpoint":
            return
        self.pending.append(frame.integer("index"))
        if len(self.pending) < self.backwards and ORIGINAL not in self.pending:
            return
        for index in reversed(self.pending):
            if index in self.fails_with:
                yield from self.failure
                self.pending.clear()
                return
            if self.answers == self.ends_after:
                yield 0.0, None
                return
            self.answers += index != ORIGINAL
            if index == self.rejects:
                yield 0.0, encode_header("rejected", 0, index=index, reason="not finite")
            else:
                yield 0.0, outputs_of(index)
        self.pending.clear()


def test_every_checkpoint_is_evaluated_once(harness: QueueHarness) -> None:
    """Outputs are stored under the index of their run, and the checkpoint is removed."""
    harness.evaluate(range(7), Container())
    assert sorted(harness.sink.evaluated) == list(range(7))
    assert [harness.stored_value(index) for index in range(7)] == list(range(7))
    assert not list(harness.folder.glob("*.checkpoint"))
    assert harness.streams[0].removed == 1


def test_results_may_arrive_in_another_order(harness: QueueHarness) -> None:
    """Each result belongs to the index that it names, not to the checkpoint that was sent first."""
    harness.evaluate(range(8), Container(backwards=2))
    assert harness.sink.evaluated[:2] == [1, 0]
    assert [harness.stored_value(index) for index in range(8)] == list(range(8))


@pytest.mark.parametrize("answered", range(6))
def test_a_lost_evaluator_is_replaced(harness: QueueHarness, answered: int) -> None:
    """The next one is sent the unanswered checkpoints, then the rest; none is evaluated twice."""
    harness.evaluate(range(6), Container(ends_after=answered), Container())
    assert sorted(harness.sink.evaluated) == list(range(6))
    first, second = harness.sent()
    assert first[0] == second[0] == ORIGINAL
    assert second[1:] == [index for index in range(6) if index not in first[1 : answered + 1]]
    assert len(first) <= answered + 3
    assert harness.sink.rejected == []


def test_three_losses_end_the_command(harness: QueueHarness) -> None:
    """The original network fails too, so no checkpoint is blamed; unevaluated ones stay on disk."""
    broken = [Container(fails_with={ORIGINAL}) for _ in range(2)]
    with pytest.raises(SandboxLostError, match="ended early"):
        harness.evaluate(range(6), Container(ends_after=2), *broken)
    assert harness.sink.evaluated == [0, 1]
    assert harness.sink.rejected == []
    assert harness.remaining() == {2, 3, 4, 5}


def test_an_evaluator_that_rejects_the_original_blames_no_checkpoint(harness: QueueHarness) -> None:
    """Such an evaluator is broken, whatever checkpoints it is sent."""
    with pytest.raises(SandboxLostError, match="refuses the original network: not finite"):
        harness.evaluate(range(3), *(Container(rejects=ORIGINAL) for _ in range(3)))
    assert harness.sink.rejected == []
    assert harness.remaining() == {0, 1, 2}


FAILURES = {"ends": ENDS, "is silent": IS_SILENT, "is slow": IS_SLOW}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("poisonous", [{0}, {3}, {5}, {1, 2}, {0, 1, 3, 4, 5}, set(range(6))])
def test_a_checkpoint_that_two_evaluators_fail_with_is_rejected(
    harness: QueueHarness, poisonous: set[int], failure: str
) -> None:
    """Both times singly, after the original network worked; all other checkpoints are evaluated."""
    containers = [Container(fails_with=poisonous, failure=FAILURES[failure]) for _ in range(1 + 3 * 6)]
    finished = harness.evaluate(range(6), *containers)
    assert harness.sink.rejected == [(index, EVALUATOR_FAILED_TWICE) for index in sorted(poisonous)]
    assert finished.rejected == len(poisonous)
    assert sorted(harness.sink.evaluated) == sorted(set(range(6)) - poisonous)
    assert harness.remaining() == set()
    ends = Counter(sent[-1] for sent in harness.sent()[1:])  # the first evaluator was lost with several
    assert {index: ends[index] for index in poisonous} == dict.fromkeys(poisonous, 2)
    assert len(harness.streams) <= 2 + 2 * len(poisonous)
    assert all(stream.removed == 1 for stream in harness.streams)


@pytest.mark.parametrize("failure", FAILURES)
def test_without_keep_going_a_rejection_ends_the_queue(harness: QueueHarness, failure: str) -> None:
    """The evaluation has failed, and the other checkpoints might take as long; they stay on disk."""
    containers = [Container(fails_with=range(6), failure=FAILURES[failure]) for _ in range(3)]
    finished = harness.evaluate(range(6), *containers, keep_going=False)
    assert harness.sink.rejected == [(0, EVALUATOR_FAILED_TWICE)]
    assert finished.rejected == 1
    assert harness.sink.evaluated == []
    assert harness.remaining() == {1, 2, 3, 4, 5}
    assert finished.has_room(), "a queue that has stopped holds no run back"


def test_one_single_failure_does_not_reject_a_checkpoint(harness: QueueHarness) -> None:
    """Lost once among several and once singly, it is then evaluated."""
    harness.evaluate([7], Container(fails_with={7}), Container(fails_with={7}), Container())
    assert harness.sent() == [[ORIGINAL, 7]] * 3
    assert harness.sink.rejected == []
    assert harness.sink.evaluated == [7]


@pytest.mark.parametrize(
    "lost",
    [
        {"ending": KILLED},
        {"ending": ContainerExit(exit_code=143, oom_killed=False)},
        {"ending": ContainerExit(exit_code=0, oom_killed=False)},
        {"ending": None},
        {"failure": IS_SILENT, "running": False},
        {"failure": IS_SILENT, "frozen": True},
        {"failure": [(0.0, encode_header("ready", 0, seconds=1.0))]},
        {"failure": [(0.0, encode_header("unready", 0, reason="x"))]},
        {"failure": [(0.0, encode_header("exhausted", 0))]},
        {"failure": [(0.0, encode_header("rejected", 0, index=8, reason="x"))]},
        {"failure": [(0.0, b"no frame")]},
    ],
    ids=lambda lost: ", ".join(f"{name} {value}" for name, value in lost.items())[:60],
)
def test_external_kill_does_not_blame_the_checkpoint(harness: QueueHarness, lost: dict[str, Any]) -> None:
    """A kill, a vanished or frozen container, an exhausted device or a wrong frame ends the command after three."""
    with pytest.raises(SandboxLostError):
        harness.evaluate([7], *(Container(fails_with={7}, **lost) for _ in range(3)))
    assert harness.sink.rejected == []
    assert harness.remaining() == {7}


def test_an_out_of_memory_kill_counts_as_a_failure(harness: QueueHarness) -> None:
    """The engine reports it, although the exit code is that of an external kill."""
    ending = ContainerExit(exit_code=137, oom_killed=True)
    harness.evaluate([7], *(Container(fails_with={7}, ending=ending) for _ in range(4)))
    assert harness.sink.rejected == [(7, EVALUATOR_FAILED_TWICE)]


def test_an_exception_in_the_thread_is_raised_by_finish(harness: QueueHarness) -> None:
    """Otherwise every checkpoint would seem to be evaluated."""

    def broken(_frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        harness.evaluate(range(3), broken)
    assert harness.remaining() == {0, 1, 2}


def interrupt_after(event: threading.Event) -> None:
    assert event.wait(30)
    raise KeyboardInterrupt


def test_an_interrupt_does_not_blame_a_checkpoint(harness: QueueHarness) -> None:
    """An evaluator that this process kills was not lost because of a checkpoint."""
    sent_singly = threading.Event()

    def waits(frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        """Do not answer the checkpoint that is sent singly, until the container is killed."""
        if frame.kind != "checkpoint" or frame.integer("index") == ORIGINAL:
            yield from Container()(frame)
            return
        sent_singly.set()
        while not harness.streams[2].killed:
            time.sleep(0.001)
        yield 0.0, None

    evaluator_queue = harness.new_queue(Container(fails_with={7}), Container(fails_with={7}), waits)
    harness.add_checkpoints(evaluator_queue, [7])
    with pytest.raises(KeyboardInterrupt), evaluator_queue:
        interrupt_after(sent_singly)
    assert len(harness.sent()) == 3
    assert harness.sink.rejected == []
    assert harness.checkpoint(7).exists()


def test_a_rejected_checkpoint_is_recorded_with_its_reason(harness: QueueHarness) -> None:
    """It has no outputs; the other checkpoints have."""
    harness.evaluate(range(3), Container(rejects=1))
    assert harness.sink.rejected == [(1, "not finite")]
    assert sorted(harness.sink.evaluated) == [0, 2]
    assert not harness.outputs(1).exists()


def test_an_unrequested_result_is_refused(harness: QueueHarness) -> None:
    """A second result for the same index counts as a lost evaluator, and is not published."""

    def twice(frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        for seconds, data in Container()(frame):
            yield seconds, data
            if frame.kind == "checkpoint":
                yield seconds, data

    with pytest.raises(SandboxLostError, match="not pending"):
        harness.evaluate(range(6), twice, twice, twice)
    assert sorted(set(harness.sink.evaluated)) == sorted(harness.sink.evaluated)


def test_concurrency_rises_after_the_last_run(harness: QueueHarness) -> None:
    """During runs one is evaluated and one more sent; afterwards one per core, and one more."""
    max_unanswered = {False: 0, True: 0}
    runs_ended, full = threading.Event(), threading.Event()
    answer = Container()

    def counting(frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        """Answer at once; until the runs have ended, add another checkpoint for each one received."""
        yield from answer(frame)
        if frame.kind == "side_by_side":
            assert frame.fields == {"checkpoints": 3}
            runs_ended.set()
        if frame.kind == "checkpoint" and frame.integer("index") != ORIGINAL:
            index, phase = frame.integer("index"), runs_ended.is_set()
            unanswered = len(harness.streams[0].sent_fields("checkpoint")) - 1 - len(harness.sink.evaluated)
            max_unanswered[phase] = max(max_unanswered[phase], unanswered)
            if unanswered == 2:  # the maximum, so that waiting for it changes nothing
                full.set()
            if not phase and index < 3000:
                harness.add_checkpoints(evaluator_queue, [index + 10])

    with (evaluator_queue := harness.new_queue(counting, cores=3)):
        harness.add_checkpoints(evaluator_queue, range(10))
        assert full.wait(30)
        evaluator_queue.finish()
    assert max_unanswered == {False: 2, True: 4}
