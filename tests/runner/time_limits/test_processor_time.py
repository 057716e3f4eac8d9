"""Processor time of retraining: of the timed portions alone, and of none where the counter was not readable."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.placement import GVISOR, GpuRequest, Placement
from runner.errors import (
    ConfigurationError,
    HostNotReadyError,
    RunnerError,
    SandboxLostError,
    SandboxStartError,
)
from runner.image.image import Image
from runner.progress import NullReporter
from runner.time_limits.measurements import Measurement, measurement_key
from runner.time_limits.processor_time import epoch_processor_seconds
from runner.time_limits.retraining import measure
from runner.time_limits.terms import resolve_terms
from tests.support.timing.measuring_engine import MEASURED, MeasuringEngine

IMAGE = Image(digest="a" * 64, identity="sha256:1")


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ({0: 10.0, 1: 12.0, 2: 15.0}, [1.0, 1.5]),
        ({0: 10.0, 1: 12.0, 2: None}, None),
        ({0: None, 1: 12.0, 2: 15.0}, None),
        ({0: 10.0, 2: 15.0}, None),
        ({}, None),
        ({0: 10.0, 1: 12.0, 2: 12.0}, None),  # a counter that stands still counts nothing
        ({0: 10.0, 1: 9.0, 2: 15.0}, None),
    ],
)
def test_each_portion_is_the_difference_of_two_readings(
    readings: dict[int, float | None], expected: list[float] | None
) -> None:
    """Every portion must have been read, at its beginning and at its end."""
    assert epoch_processor_seconds(readings, 2, 2) == expected


@pytest.fixture
def timed(load_challenge: Callable[[Limits], Challenge]) -> Callable[..., Measurement]:
    """Return a way to measure with an engine."""

    def timed(engine: MeasuringEngine, placement: Placement | None = None) -> Measurement:
        challenge = load_challenge(Limits())
        key = measurement_key(cast(Engine, engine), IMAGE, challenge, placement or Placement())
        return measure(
            engine=cast(Engine, engine),
            image=IMAGE,
            challenge=challenge,
            key=key,
            labels={},
            reporter=NullReporter(),
        )

    return timed


USED = [1.0, 4.0, 6.0, 10.0, 12.0]
"""The warm-up uses 3 s, the portions 2, 4 and 2."""


def test_the_median_of_the_portions_and_of_empty_runs(
    timed: Callable[..., Measurement], load_challenge: Callable[[Limits], Challenge]
) -> None:
    """Of the portions alone: what the trainer used before the first is not in it."""
    measured = timed(MeasuringEngine(trainer_used=USED, run_used=[0.5, 0.1, 0.2, 0.3, 0.4]))
    epochs = load_challenge(Limits()).description.training.epochs
    assert measured.epoch_processor_seconds == [1.0, 2.0, 1.0]
    assert measured.retrain_processor_seconds == 1.0 * epochs
    assert measured.empty_run_processor_seconds == 0.3
    key = measurement_key(cast(Engine, MeasuringEngine(trainer_used=[])), IMAGE, load_challenge(Limits()))
    terms = resolve_terms(Limits(retraining_fraction=0.6), "full", (key, measured))
    assert (terms.retrain_processor_seconds, terms.empty_run_processor_seconds) == (1.0 * epochs, 0.3)
    assert terms.retraining_fraction == 0.6


@pytest.mark.parametrize(
    ("engine", "roles"),
    [
        (MeasuringEngine(trainer_used=[]), ["trainer"]),
        (MeasuringEngine(trainer_used=USED, run_used=[]), ["trainer", "worker"]),
        (MeasuringEngine(trainer_used=USED, run_used=[0.1] * 5, fails=True), ["trainer", "worker"]),
        (
            MeasuringEngine(
                trainer_used=USED,
                measured={name: value for name, value in MEASURED.items() if name != "pause_seconds"},
            ),
            ["trainer"],
        ),
    ],
    ids=["no counter", "no counter of runs", "runs that fail", "an image that does not pause"],
)
def test_without_readings_there_is_only_the_time_by_the_clock(
    timed: Callable[..., Measurement], engine: MeasuringEngine, roles: list[str]
) -> None:
    """None of the figures is there then: they are of no use without each other."""
    measured = timed(engine)
    assert (measured.retrain_seconds, measured.retrain_processor_seconds) == (2.0, None)
    assert (measured.epoch_processor_seconds, measured.empty_run_processor_seconds) == (None, None)
    assert engine.roles == roles


@pytest.mark.parametrize(
    "error",
    [SandboxStartError("gone"), SandboxLostError("lost"), HostNotReadyError("no"), ConfigurationError("bad")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_the_empty_runs_keeps_the_measurement(
    timed: Callable[..., Measurement], error: RunnerError
) -> None:
    """Retraining was timed well, and may have taken an hour."""
    measured = timed(MeasuringEngine(trainer_used=USED, worker_error=error))
    assert (measured.retrain_seconds, measured.retrain_processor_seconds) == (2.0, None)
    assert (measured.epoch_processor_seconds, measured.empty_run_processor_seconds) == (None, None)


@pytest.mark.parametrize(
    "placement",
    [Placement(gpu=GpuRequest(name="all", by_cdi=True)), Placement(runtime=GVISOR)],
    ids=["gpu", "gvisor"],
)
def test_where_it_does_not_compare_there_is_none(
    timed: Callable[..., Measurement], placement: Placement
) -> None:
    """It does not contain the work of a GPU; under gVisor a run needs more for the same work."""
    engine = MeasuringEngine(trainer_used=USED, run_used=[0.1] * 5)
    measured = timed(engine, placement)
    assert (measured.retrain_seconds, measured.retrain_processor_seconds) == (2.0, None)


@pytest.mark.parametrize("payload", [{}, {"pause_seconds": 0.2}, {**MEASURED, "more": 1}])
def test_an_invalid_measurement_is_the_trainers_failure(
    timed: Callable[..., Measurement], payload: dict[str, object]
) -> None:
    """As before there was processor time."""
    with pytest.raises(SandboxLostError, match="invalid measurement"):
        timed(MeasuringEngine(trainer_used=USED, measured=payload))


def test_an_earlier_measurement_is_still_read() -> None:
    """It has no processor time."""
    text = '{"retrain_seconds": 1.0, "epoch_seconds": [0.5], "epochs": 2, "processor": "x", "measured": "y"}'
    assert Measurement.model_validate_json(text).retrain_processor_seconds is None
