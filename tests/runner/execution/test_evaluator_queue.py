"""Is every checkpoint evaluated once, whatever becomes of the evaluators, and none too many at a time?"""

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
    """Return what a container says of a checkpoint: its index everywhere."""
    logits = np.full((EXAMPLES, CLASSES), index, "<f4").tobytes()
    rest = np.full((4, CLASSES), index, "<i8").tobytes() + np.full(UNSEEN, index, "<f4").tobytes()
    return encode_header("outputs", len(logits + rest), index=index) + logits + rest


class Sink:
    """A sink that records what it is sent, and keeps checkpoints and outputs in a folder."""

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


class Bench:
    """A backlog between a folder, such a store, and evaluators that are scripts."""

    def __init__(self, folder: Path, challenge: Challenge) -> None:
        self.folder, self.notes, self._challenge = folder, Sink(folder), challenge
        self.streams: list[FakeStream] = []

    def checkpoint(self, index: int) -> Path:
        return self.notes.checkpoint(index)

    def outputs(self, index: int) -> Path:
        return self.notes.outputs(index)

    def backlog(self, *scripts: Script, cores: int = 1, keep_going: bool = True) -> EvaluatorQueue:
        """Return a backlog whose containers follow the scripts, one after another."""
        left = iter(scripts)

        def start() -> Stream:
            script = next(left)
            ending, running = getattr(script, "ending", FAILED), getattr(script, "running", True)
            self.streams.append(FakeStream(script, rules=TO_EVALUATOR, ending=ending))
            self.streams[-1].running = running
            return self.streams[-1]

        def evaluator(*, stream: Any, **rest: Any) -> EvaluatorClient:
            return EvaluatorClient(stream=stream, clock=stream.clock, **rest)

        return EvaluatorQueue(
            start=start,
            challenge=self._challenge,
            sink=self.notes,
            cores=cores,
            keep_going=keep_going,
            evaluator=evaluator,
        )

    def hand_over(self, backlog: EvaluatorQueue, indices: Iterable[int]) -> None:
        for index in indices:
            self.checkpoint(index).write_bytes(b"weights")
            backlog.add(index)

    def do(self, indices: Iterable[int], *scripts: Script, keep_going: bool = True) -> EvaluatorQueue:
        """Evaluate checkpoints that all are there from the beginning."""
        backlog = self.backlog(*scripts, keep_going=keep_going)
        self.hand_over(backlog, indices)
        with backlog:
            backlog.finish()
        return backlog

    def left(self) -> set[int]:
        """Return whose checkpoints are still there."""
        return {int(file.stem) for file in self.folder.glob("*.checkpoint")}

    def sent(self) -> list[list[int]]:
        """Return whose checkpoints each container was sent; the original's index is -1."""
        return [[one["index"] for one in stream.sent_fields("checkpoint")] for stream in self.streams]

    def found(self, index: int) -> float:
        shapes = OutputShapes(examples=EXAMPLES, classes=CLASSES, unseen=UNSEEN)
        kept = unpack_outputs(self.outputs(index).read_bytes(), shapes)
        assert len({*kept.logits.ravel(), *kept.correct.ravel(), *kept.unseen_losses}) == 1
        return float(kept.logits[0, 0])


@pytest.fixture
def bench(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> Bench:
    return Bench(tmp_path, load_challenge(Limits()))


FAILED, KILLED = ContainerExit(exit_code=1, oom_killed=False), ContainerExit(exit_code=137, oom_killed=False)
ENDS: tuple[tuple[float, bytes | None], ...] = ((0.0, None),)
IS_SILENT: tuple[tuple[float, bytes | None], ...] = ()
IS_SLOW = tuple((30.0 * minute, encode_header("progress", 0)) for minute in range(1, 10_000))


class Container:
    """A script: ready, then outputs; ends after so many, fails with some, or answers as it is told to."""

    def __init__(
        self,
        *,
        ends_after: int | None = None,
        fails_with: Collection[int] = (),
        failure: Sequence[tuple[float, bytes | None]] = ENDS,
        ending: ContainerExit | None = FAILED,
        running: bool = True,
        rejects: int | None = None,
        backwards: int = 1,
    ) -> None:
        self.ends_after, self.fails_with = ends_after, fails_with
        self.failure, self.ending, self.running = failure, ending, running
        self.rejects, self.backwards = rejects, backwards
        self.waiting: list[int] = []
        self.said = 0

    def __call__(self, frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        if frame.kind == "data" and frame.text("name") == "test":
            yield 0.0, encode_header("ready", 0, seconds=0.5)
        if frame.kind != "checkpoint":
            return
        self.waiting.append(frame.integer("index"))
        if len(self.waiting) < self.backwards and ORIGINAL not in self.waiting:
            return
        for index in reversed(self.waiting):
            if index in self.fails_with:
                yield from self.failure
                self.waiting.clear()
                return
            if self.said == self.ends_after:
                yield 0.0, None
                return
            self.said += index != ORIGINAL
            if index == self.rejects:
                yield 0.0, encode_header("rejected", 0, index=index, reason="not finite")
            else:
                yield 0.0, outputs_of(index)
        self.waiting.clear()


def test_everything_is_evaluated_once(bench: Bench) -> None:
    """Outputs lie in the place of their run, and the checkpoint is gone."""
    bench.do(range(7), Container())
    assert sorted(bench.notes.evaluated) == list(range(7))
    assert [bench.found(index) for index in range(7)] == list(range(7))
    assert not list(bench.folder.glob("*.checkpoint"))
    assert bench.streams[0].removed == 1


def test_answers_in_another_order(bench: Bench) -> None:
    """Each belongs to the index that it names, not to the one that was sent first."""
    bench.do(range(8), Container(backwards=2))
    assert bench.notes.evaluated[:2] == [1, 0]
    assert [bench.found(index) for index in range(8)] == list(range(8))


@pytest.mark.parametrize("answered", range(6))
def test_a_lost_evaluator(bench: Bench, answered: int) -> None:
    """The next one gets what was sent and not answered, then the rest; nothing is evaluated twice."""
    bench.do(range(6), Container(ends_after=answered), Container())
    assert sorted(bench.notes.evaluated) == list(range(6))
    first, second = bench.sent()
    assert first[0] == second[0] == ORIGINAL
    assert second[1:] == [index for index in range(6) if index not in first[1 : answered + 1]]
    assert len(first) <= answered + 3
    assert bench.notes.rejected == []


def test_lost_again_and_again(bench: Bench) -> None:
    """After three the failure is ours, and what was not evaluated is still on disk: the original fails too."""
    broken = [Container(fails_with={ORIGINAL}) for _ in range(2)]
    with pytest.raises(SandboxLostError, match="ended early"):
        bench.do(range(6), Container(ends_after=2), *broken)
    assert bench.notes.evaluated == [0, 1]
    assert bench.notes.rejected == []
    assert bench.left() == {2, 3, 4, 5}


def test_an_evaluator_that_refuses_the_original_blames_nobody(bench: Bench) -> None:
    """It says nothing of checkpoints."""
    with pytest.raises(SandboxLostError, match="refuses the original network: not finite"):
        bench.do(range(3), *(Container(rejects=ORIGINAL) for _ in range(3)))
    assert bench.notes.rejected == []
    assert bench.left() == {0, 1, 2}


FAILURES = {"ends": ENDS, "is silent": IS_SILENT, "is slow": IS_SLOW}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("poisonous", [{0}, {3}, {5}, {1, 2}, {0, 1, 3, 4, 5}, set(range(6))])
def test_a_checkpoint_that_every_evaluator_fails_with_is_refused(
    bench: Bench, poisonous: set[int], failure: str
) -> None:
    """After twice by itself, the original having been answered; whatever was sent along with it is evaluated."""
    containers = [Container(fails_with=poisonous, failure=FAILURES[failure]) for _ in range(1 + 3 * 6)]
    done = bench.do(range(6), *containers)
    assert bench.notes.rejected == [(index, EVALUATOR_FAILED_TWICE) for index in sorted(poisonous)]
    assert done.rejected == len(poisonous)
    assert sorted(bench.notes.evaluated) == sorted(set(range(6)) - poisonous)
    assert bench.left() == set()
    ends = Counter(sent[-1] for sent in bench.sent()[1:])  # the first was lost with several
    assert {index: ends[index] for index in poisonous} == dict.fromkeys(poisonous, 2)
    assert len(bench.streams) <= 2 + 2 * len(poisonous)
    assert all(stream.removed == 1 for stream in bench.streams)


@pytest.mark.parametrize("failure", FAILURES)
def test_once_that_has_happened_nothing_more_is_evaluated(bench: Bench, failure: str) -> None:
    """Without keep_going: it has failed, and the others might take as long. They stay on disk."""
    containers = [Container(fails_with=range(6), failure=FAILURES[failure]) for _ in range(3)]
    done = bench.do(range(6), *containers, keep_going=False)
    assert bench.notes.rejected == [(0, EVALUATOR_FAILED_TWICE)]
    assert done.rejected == 1
    assert bench.notes.evaluated == []
    assert bench.left() == {1, 2, 3, 4, 5}
    assert done.has_room(), "or no run would be started, nor found to be unnecessary"


def test_a_checkpoint_that_was_unlucky_once_is_not_refused(bench: Bench) -> None:
    """Lost in company, lost by itself, then evaluated."""
    bench.do([7], Container(fails_with={7}), Container(fails_with={7}), Container())
    assert bench.sent() == [[ORIGINAL, 7]] * 3
    assert bench.notes.rejected == []
    assert bench.notes.evaluated == [7]


@pytest.mark.parametrize(
    "lost",
    [
        {"ending": KILLED},
        {"ending": ContainerExit(exit_code=143, oom_killed=False)},
        {"ending": ContainerExit(exit_code=0, oom_killed=False)},
        {"ending": None},
        {"failure": IS_SILENT, "running": False},
        {"failure": [(0.0, encode_header("ready", 0, seconds=1.0))]},
        {"failure": [(0.0, encode_header("unready", 0, reason="x"))]},
        {"failure": [(0.0, encode_header("exhausted", 0))]},
        {"failure": [(0.0, encode_header("rejected", 0, index=8, reason="x"))]},
        {"failure": [(0.0, b"no frame")]},
    ],
    ids=lambda lost: ", ".join(f"{name} {value}" for name, value in lost.items())[:60],
)
def test_what_comes_from_outside_is_no_checkpoints_fault(bench: Bench, lost: dict[str, Any]) -> None:
    """Killed, gone, its device full, or not itself: three times, and the command says so."""
    with pytest.raises(SandboxLostError):
        bench.do([7], *(Container(fails_with={7}, **lost) for _ in range(3)))
    assert bench.notes.rejected == []
    assert bench.left() == {7}


def test_memory_that_the_kernel_took_is_a_failure_by_itself(bench: Bench) -> None:
    """The engine says so; the exit code is that of a kill."""
    ending = ContainerExit(exit_code=137, oom_killed=True)
    bench.do([7], *(Container(fails_with={7}, ending=ending) for _ in range(4)))
    assert bench.notes.rejected == [(7, EVALUATOR_FAILED_TWICE)]


def test_a_mistake_of_ours_is_not_lost_with_the_thread(bench: Bench) -> None:
    """Or all would seem to be done."""

    def broken(_frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.do(range(3), broken)
    assert bench.left() == {0, 1, 2}


def give_up_after(event: threading.Event) -> None:
    assert event.wait(30)
    raise KeyboardInterrupt


def test_who_gives_up_in_the_middle_refuses_nothing(bench: Bench) -> None:
    """An evaluator that is ended from here was not lost through a checkpoint."""
    alone = threading.Event()

    def waits(frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        """Answer nothing once it has the checkpoint by itself, until it is ended."""
        if frame.kind != "checkpoint" or frame.integer("index") == ORIGINAL:
            yield from Container()(frame)
            return
        alone.set()
        while not bench.streams[2].killed:
            time.sleep(0.001)
        yield 0.0, None

    backlog = bench.backlog(Container(fails_with={7}), Container(fails_with={7}), waits)
    bench.hand_over(backlog, [7])
    with pytest.raises(KeyboardInterrupt), backlog:
        give_up_after(alone)
    assert len(bench.sent()) == 3
    assert bench.notes.rejected == []
    assert bench.checkpoint(7).exists()


def test_rejected(bench: Bench) -> None:
    """One that cannot be used is noted with the reason and has no outputs; the others have."""
    bench.do(range(3), Container(rejects=1))
    assert bench.notes.rejected == [(1, "not finite")]
    assert sorted(bench.notes.evaluated) == [0, 2]
    assert not bench.outputs(1).exists()


def test_an_answer_that_nobody_asked_for(bench: Bench) -> None:
    """Neither another index nor one that has been answered is taken."""

    def twice(frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        for seconds, said in Container()(frame):
            yield seconds, said
            if frame.kind == "checkpoint":
                yield seconds, said

    with pytest.raises(SandboxLostError, match="not pending"):
        bench.do(range(6), twice, twice, twice)
    assert sorted(set(bench.notes.evaluated)) == sorted(bench.notes.evaluated)


def test_how_many_at_a_time(bench: Bench) -> None:
    """While runs go on one is evaluated and one more is there; then one for each core, and one more."""
    most = {False: 0, True: 0}
    hurried, full = threading.Event(), threading.Event()
    answer = Container()

    def counting(frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        """Answer at once; until told to hurry, another run ends for each checkpoint that comes."""
        yield from answer(frame)
        if frame.kind == "side_by_side":
            assert frame.fields == {"checkpoints": 3}
            hurried.set()
        if frame.kind == "checkpoint" and frame.integer("index") != ORIGINAL:
            index, phase = frame.integer("index"), hurried.is_set()
            unanswered = len(bench.streams[0].sent_fields("checkpoint")) - 1 - len(bench.notes.evaluated)
            most[phase] = max(most[phase], unanswered)
            if unanswered == 2:  # the most there may be, so that waiting for it changes nothing
                full.set()
            if not phase and index < 3000:
                bench.hand_over(backlog, [index + 10])

    with (backlog := bench.backlog(counting, cores=3)):
        bench.hand_over(backlog, range(10))
        assert full.wait(30)
        backlog.finish()
    assert most == {False: 2, True: 4}
