"""Retraining is timed again beside itself, as runs are executed beside runs, and the slowest portion counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import cast

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.container_spec import ContainerSpec
from runner.engine.placement import DEFAULT_PLACEMENT, GVISOR, Placement
from runner.errors import SandboxStartError
from runner.image.image import Image
from runner.time_limits.second_timing import time_again
from tests.support.fake_stream import FakeStream
from tests.support.timing.measuring_engine import MeasuringEngine

IMAGE = Image(digest="a" * 64, identity="sha256:1")
QUIET = [1.0, 4.0, 6.0, 8.0, 10.0]
"""Portions of two epochs that use 2 s each, after a warm-up."""
BURST = [1.0, 4.0, 6.0, 9.0, 11.0]
"""One portion uses 3 s."""


class SeveralTrainers(MeasuringEngine):
    """Each trainer has readings of its own; None is one that the engine does not start."""

    def __init__(self, *readings: list[float] | None) -> None:
        super().__init__(trainer_used=[])
        self._readings = list(readings)
        self._lock = threading.Lock()
        self.streams: list[FakeStream] = []

    def start(self, spec: ContainerSpec) -> FakeStream:
        with self._lock:
            readings = self._readings.pop(0)
            if readings is None:
                raise SandboxStartError("no more containers")
            stream = super().start(spec)
            stream.processor = list(readings)
            self.streams.append(stream)
            return stream


@pytest.fixture
def again(load_challenge: Callable[[Limits], Challenge]) -> Callable[..., float | None]:
    """Return a way to time a training of one epoch again."""

    def again(
        engine: MeasuringEngine, *, at_once: int = 2, placement: Placement = DEFAULT_PLACEMENT
    ) -> float | None:
        return time_again(
            engine=cast(Engine, engine),
            image=IMAGE,
            challenge=load_challenge(Limits()),
            labels={},
            placement=placement,
            at_once=at_once,
        )

    return again


def test_the_slowest_portion_of_all_trainers_counts(again: Callable[..., float | None]) -> None:
    """A run of some seconds can fall into the same burst of other work; no empty run is executed again."""
    engine = SeveralTrainers(QUIET, BURST)
    assert again(engine) == 1.5
    assert engine.roles == ["trainer", "trainer"]
    assert [stream.removed for stream in engine.streams] == [1, 1]
    assert again(SeveralTrainers(QUIET, QUIET)) == 1.0


@pytest.mark.parametrize(("at_once", "trainers"), [(1, 1), (3, 3), (64, 4)])
def test_as_many_at_once_as_runs_up_to_four(
    again: Callable[..., float | None], at_once: int, trainers: int
) -> None:
    """A machine for 64 runs at once need not have the memory for as many trainers."""
    engine = SeveralTrainers(*[QUIET] * 64)
    assert again(engine, at_once=at_once) == 1.0
    assert len(engine.streams) == trainers


def test_without_readings_there_is_no_second_timing(again: Callable[..., float | None]) -> None:
    """Where the counter cannot be read, and where processor time does not compare."""
    assert again(SeveralTrainers([], [])) is None
    assert again(SeveralTrainers(QUIET, QUIET), placement=Placement(runtime=GVISOR)) is None


def test_a_trainer_that_fails_ends_the_others(again: Callable[..., float | None]) -> None:
    """Each of them is killed and removed, for they could go on for minutes."""
    engine = SeveralTrainers(QUIET, None)
    with pytest.raises(SandboxStartError):
        again(engine)
    assert all(stream.removed for stream in engine.streams)


def test_after_the_end_no_container_is_left(again: Callable[..., float | None]) -> None:
    """One that the engine starts after another has failed is removed, and nothing is asked of it."""
    failed = threading.Event()

    class Late(SeveralTrainers):
        def start(self, spec: ContainerSpec) -> FakeStream:
            if self._readings[0] is None:
                self._readings.pop(0)
                failed.set()
                raise SandboxStartError("no more containers")
            failed.wait(10.0)
            return super().start(spec)

    engine = Late(None, QUIET)
    with pytest.raises(SandboxStartError):
        again(engine)
    assert all(stream.removed for stream in engine.streams)
