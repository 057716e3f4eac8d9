"""A trainer's progress is reported, its result is returned, and its failure is blamed in sanitized words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.clients.trainer import TrainerSession
from runner.engine.container_spec import ContainerSpec, trainer_container
from runner.errors import (
    ConfigurationError,
    HostNotReadyError,
    RunnerError,
    SandboxLostError,
    SandboxStartError,
)
from runner.sanitize import sanitize_line
from sandbox.protocol.frames import Frame, encode
from sandbox.protocol.jobs import TimingJob, TrainerJob
from sandbox.protocol.messages import TO_TRAINER
from tests.support.fake_stream import Answer, FakeStream

NASTY = "\x1b[2Jline 3\nof build()\u202e"
READY = encode("ready", seconds=0.5)
TIMING = TimingJob(
    architecture="none", architecture_source=None, classes=2, training={}, device="cpu", threads=1, portions=3
)
BUILD = TrainerJob(
    recipe="idx",
    seed=1,
    forget_fraction=0.1,
    references=2,
    groups_done=[],
    skip_original=False,
    device="cpu",
    processes=1,
    data_files=1,
    most_examples=None,
    architecture=None,
    training={},
    epochs=None,
)


class RecordingReporter:
    """A reporter that records counts; the session announces no steps."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, int, int]] = []

    def step(self, text: str) -> None:
        raise AssertionError(text)

    def count(self, text: str, done: int, total: int) -> None:
        self.counts.append((text, done, total))


class OneContainer:
    """An engine that has one container to start."""

    def __init__(self, *answers: bytes | None, ready: bytes | None = READY) -> None:
        def script(frame: Frame) -> list[Answer]:
            if frame.kind not in ("job", "measure"):
                return []
            return [(0.0, answer) for answer in (ready, *answers)]

        self.stream = FakeStream(script, rules=TO_TRAINER, stderr=b"no \x1b[1mtorch\n")
        self.specs: list[ContainerSpec] = []

    def start(self, spec: ContainerSpec) -> FakeStream:
        self.specs.append(spec)
        return self.stream


@pytest.fixture
def reporter() -> RecordingReporter:
    return RecordingReporter()


@pytest.fixture
def session_on(reporter: RecordingReporter) -> Callable[[OneContainer], TrainerSession]:
    def session(engine: OneContainer) -> TrainerSession:
        return TrainerSession(
            engine=engine,
            spec=trainer_container(image="image", cpus=1.0, labels={}),
            name="mine",
            reporter=reporter,
            refusal="It refuses",
            silence_seconds=0.05,
        )

    return session


@pytest.fixture
def converse(session_on: Callable[[OneContainer], TrainerSession]) -> Callable[..., list[Frame]]:
    """Return what a session yields of a trainer that sends these bytes, and then nothing or the end."""

    def frames(*answers: bytes | None, until: str = "done") -> list[Frame]:
        with session_on(OneContainer(*answers)) as trainer:
            trainer.begin(TIMING)
            return list(trainer.frames(until=until))

    return frames


def progress(stage: str, done: int) -> bytes:
    """Return a progress frame."""
    return encode("progress", stage=stage, done=done, total=4)


@pytest.mark.parametrize("until", ["done", "measured"])
def test_all_frames_but_progress_are_yielded(
    converse: Callable[..., list[Frame]], reporter: RecordingReporter, until: str
) -> None:
    """In order, including the last one; later frames are not read."""
    frames = converse(
        progress("original", 1),
        encode("facts", b"{}"),
        progress("references", 2),
        encode(until),
        None,
        until=until,
    )
    assert [frame.kind for frame in frames] == ["facts", until]
    assert frames[0].payload == b"{}"
    assert reporter.counts == [("mine: original model", 1, 4), ("mine: references", 2, 4)]


@pytest.mark.parametrize("until", ["done", "measured"])
@pytest.mark.parametrize(
    ("kind", "error", "prefix"),
    [
        ("failed", ConfigurationError, "It refuses: "),
        ("unready", HostNotReadyError, "The trainer cannot use the device: "),
    ],
)
def test_the_trainer_reports_who_is_to_blame(
    converse: Callable[..., list[Frame]], until: str, kind: str, error: type[RunnerError], prefix: str
) -> None:
    """The organizer or the host; words that it took from a file are sanitized."""
    with pytest.raises(error) as caught:
        converse(progress("original", 1), encode(kind, reason=NASTY), until=until)
    assert str(caught.value) == f"{prefix}{sanitize_line(NASTY)}."
    assert sanitize_line(str(caught.value), 1000) == str(caught.value)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (None, "The trainer ended early: no \N{REPLACEMENT CHARACTER}[1mtorch."),
        (b"garbage" * 10, "The trainer ended early: no \N{REPLACEMENT CHARACTER}[1mtorch."),
        (b"", "The trainer sent nothing for 1 s."),
    ],
)
def test_a_trainer_that_is_lost(
    converse: Callable[..., list[Frame]], last: bytes | None, message: str
) -> None:
    """A trainer that ended, sent an invalid frame or nothing at all is a loss, worth another attempt."""
    with pytest.raises(SandboxLostError) as caught:
        converse(progress("original", 1), last)
    assert str(caught.value) == message


@pytest.mark.parametrize(("job", "kind"), [(TIMING, "measure"), (BUILD, "job")])
def test_the_job_is_sent_first(
    session_on: Callable[[OneContainer], TrainerSession], job: TimingJob | TrainerJob, kind: str
) -> None:
    """In the frame of its kind, and data after it."""
    engine = OneContainer()
    with session_on(engine) as trainer:
        trainer.begin(job)
        trainer.send("data", b"file", name="a")
    first, second = engine.stream.sent
    assert (first.kind, type(job).from_json(first.payload)) == (kind, job)
    assert (second.kind, second.text("name"), second.payload) == ("data", "a", b"file")
    assert [spec.role for spec in engine.specs] == ["trainer"]


@pytest.mark.parametrize(
    ("ready", "error"),
    [(READY, ZeroDivisionError), (None, SandboxStartError), (b"Traceback", SandboxStartError)],
)
def test_the_container_is_removed_in_all_cases(
    session_on: Callable[[OneContainer], TrainerSession], ready: bytes | None, error: type[Exception]
) -> None:
    """After an error of the caller, and after a trainer that does not become ready."""
    engine = OneContainer(ready=ready)

    def use() -> None:
        with session_on(engine) as trainer:
            assert engine.stream.removed == 0
            trainer.begin(TIMING)
            raise ZeroDivisionError

    with pytest.raises(error):
        use()
    assert engine.stream.removed == 1
