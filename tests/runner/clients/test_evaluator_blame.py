"""An evaluator that is silent or refused memory: whose fault it is, the host decides by what it knows itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.evaluator import EvaluatorClient, Rejected
from runner.engine.capacity import may_refuse_reservations
from runner.engine.placement import DEFAULT_PLACEMENT, GpuRequest, Placement
from runner.errors import EvaluatorFailedError, SandboxLostError
from sandbox.protocol.frames import Frame, encode
from sandbox.protocol.messages import TO_EVALUATOR
from tests.support.fake_stream import Answer, FakeStream

REJECTED = encode("rejected", index=3, reason="x")
EXHAUSTED = encode("exhausted")
ON_GPU = Placement(gpu=GpuRequest(name="all", by_cdi=True))

Connect = Callable[..., tuple[EvaluatorClient, FakeStream]]


@pytest.fixture
def connect(load_challenge: Callable[[Limits], Challenge]) -> Connect:
    """Return a function that connects to an evaluator which answers a checkpoint in a given way."""
    challenge = load_challenge(Limits())

    def connect_to(
        *answers: Answer, placement: Placement = DEFAULT_PLACEMENT, host_may_refuse: bool = False
    ) -> tuple[EvaluatorClient, FakeStream]:
        def script(frame: Frame) -> Iterable[Answer]:
            if frame.kind == "data" and frame.text("name") == "test":
                yield 0.0, encode("ready", b'{"mounts": [], "devices": []}', seconds=0.5)
            if frame.kind == "checkpoint":
                yield from answers

        stream = FakeStream(script, rules=TO_EVALUATOR)
        stream.memory = [1 << 30]
        evaluator = EvaluatorClient(
            stream=stream,
            challenge=challenge,
            clock=stream.clock,
            host_may_refuse=lambda: host_may_refuse,
            placement=placement,
        )
        evaluator.send(3, b"weights")
        return evaluator, stream

    return connect_to


def test_a_slow_engine_delivers_the_answer_later(connect: Connect) -> None:
    """The evaluator answered in time; that the engine held it back is nobody's failure."""
    evaluator, stream = connect((1.0, REJECTED))
    stream.stalls_until = stream.clock() + 80.0
    assert evaluator.receive(60.0) == (3, Rejected(reason="x"))


def test_silence_beside_a_prompt_engine_is_a_failure(connect: Connect) -> None:
    """Also where the engine was slow at first and is asked again."""
    for stall in (0.0, 80.0):
        evaluator, stream = connect()
        stream.stalls_until = stream.clock() + stall
        with pytest.raises(EvaluatorFailedError, match="does not answer"):
            evaluator.receive(60.0)


def test_silence_of_a_slow_engine_is_a_loss(connect: Connect) -> None:
    """No checkpoint is blamed for it."""
    evaluator, stream = connect()
    stream.late_seconds = 1.5
    with pytest.raises(SandboxLostError, match="out of reach") as lost:
        evaluator.receive(60.0)
    assert not isinstance(lost.value, EvaluatorFailedError)


def test_memory_that_only_the_checkpoint_can_have_exhausted_is_its_failure(connect: Connect) -> None:
    """The kernel refuses memory at once only if a request is larger than the host: others are not the cause."""
    evaluator, _ = connect((0.0, EXHAUSTED))
    with pytest.raises(EvaluatorFailedError, match="more memory than this host has"):
        evaluator.receive()


@pytest.mark.parametrize("cause", ["gpu", "reservations", "another machine"])
def test_memory_that_others_may_have_exhausted_is_a_loss(connect: Connect, cause: str) -> None:
    """A GPU that others use, a host that counts what is reserved, one of which nothing is known."""
    evaluator, stream = connect(
        (0.0, EXHAUSTED),
        placement=ON_GPU if cause == "gpu" else DEFAULT_PLACEMENT,
        host_may_refuse=cause == "reservations",
    )
    if cause == "another machine":
        stream.memory = []
    with pytest.raises(SandboxLostError, match="no memory left") as lost:
        evaluator.receive()
    assert not isinstance(lost.value, EvaluatorFailedError)


@pytest.mark.parametrize(
    ("setting", "may"), [("0\n", False), ("1\n", False), ("2\n", True), ("3\n", True), (None, True)]
)
def test_only_settings_that_are_known_not_to_count_reservations_refuse_nothing(
    tmp_path: Path, setting: str | None, may: bool
) -> None:
    """``vm.overcommit_memory``; what is not known may be."""
    file = tmp_path / "overcommit_memory"
    if setting is not None:
        file.write_text(setting)
    assert may_refuse_reservations(file) is may
