"""Retraining is timed where a score card needs it, once; where it cannot be, only a limit that depends on it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.container_spec import ContainerSpec
from runner.engine.info import EngineInfo
from runner.errors import SandboxError
from runner.image.image import Image
from runner.progress import NullReporter
from runner.store.open_store import open_store
from runner.time_limits.measurements import Measurement, MeasurementKey, measurement_key
from runner.time_limits.policy import MIN_GPU_SECONDS
from runner.time_limits.terms import Terms, agree_on_terms
from sandbox.protocol.frames import Frame, encode
from sandbox.protocol.messages import TO_TRAINER
from tests.support.fake_stream import Answer, FakeStream
from tests.support.records import evaluation_record

MEASURED = {"retrain_seconds": 0.5, "epoch_seconds": [0.25, 0.26, 0.24], "epochs": 2, "processor": "fast"}
IMAGE = Image(digest="a" * 64, identity="sha256:1")


class TimingEngine:
    """An engine whose trainer sends a measurement, or ends without one."""

    def __init__(self, *, fails: bool = False) -> None:
        self._answers = [encode("ready", seconds=0.5)]
        if not fails:
            self._answers.append(encode("measured", json.dumps(MEASURED).encode()))
        self.started = 0

    def info(self) -> EngineInfo:
        return EngineInfo()

    def start(self, _spec: ContainerSpec) -> FakeStream:
        self.started += 1

        def script(frame: Frame) -> list[Answer]:
            ends: list[Answer] = [(0.0, None)]
            return [*((0.0, answer) for answer in self._answers), *ends] if frame.kind == "measure" else []

        return FakeStream(script, rules=TO_TRAINER)


class Steps(NullReporter):
    """What is reported."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def step(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_challenge: Callable[[Limits], Challenge]
) -> Callable[..., Terms]:
    """Return a way to agree on the terms of an evaluation, with a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = open_store(tmp_path / "store", create=True)

    def agree(engine: TimingEngine, name: str, limits: Limits | None = None, **options: Any) -> Terms:
        challenge = load_challenge(limits or Limits())
        store.begin(
            evaluation_record(
                id=name, challenge="tiny", challenge_sha256=challenge.sha256, image=IMAGE.digest, n=16
            )
        )
        return agree_on_terms(
            engine=cast(Engine, engine),
            image=IMAGE,
            store=store,
            evaluation=name,
            challenge=challenge,
            labels={},
            **{"reporter": NullReporter(), **options},
        )

    return agree


def test_a_score_card_has_retraining_timed_once(agree: Callable[..., Terms]) -> None:
    """A limit in seconds stays as it is; the next evaluation takes the time from the cache, a smoke test too."""
    engine = TimingEngine()
    assert agree(engine, "1" * 12).retrain_seconds is None
    assert engine.started == 0
    terms = agree(engine, "2" * 12, time_retraining=True)
    assert (terms.retrain_seconds, terms.wall_seconds, terms.machine) == (0.5, 60.0, "")
    assert agree(engine, "3" * 12, time_retraining=True).retrain_seconds == 0.5
    assert agree(engine, "4" * 12).retrain_seconds == 0.5
    assert engine.started == 1


def test_terms_that_were_agreed_on_remain(agree: Callable[..., Terms]) -> None:
    """An evaluation that began without the time is continued without it."""
    engine = TimingEngine()
    first = agree(engine, "1" * 12)
    assert agree(engine, "1" * 12, time_retraining=True) == first
    assert engine.started == 0


def test_a_limit_in_seconds_does_not_fail_for_the_time(agree: Callable[..., Terms]) -> None:
    """The card then has no run times, and the reason is reported; a fraction cannot do without."""
    engine, steps = TimingEngine(fails=True), Steps()
    terms = agree(engine, "1" * 12, time_retraining=True, reporter=steps)
    assert (terms.retrain_seconds, terms.wall_seconds) == (None, 60.0)
    assert steps.texts[-1].startswith("tiny: the score card will have no run times: ")
    with pytest.raises(SandboxError):
        agree(engine, "2" * 12, Limits(wall_fraction=0.2), time_retraining=True)


class Elsewhere:
    """A machine of another class (`runner.time_limits.elsewhere.RetrainingTimer`)."""

    def __init__(self, name: str) -> None:
        self.name, self.measured, self.on_gpu = name, 0, True

    def key(self, challenge: Challenge) -> MeasurementKey:
        own = measurement_key(cast(Engine, TimingEngine()), IMAGE, challenge)
        return replace(own, machine={"class": self.name})

    def measure(self, _challenge: Challenge) -> Measurement:
        self.measured += 1
        return Measurement.model_validate({**MEASURED, "retrain_seconds": 100.0, "measured": "now"})


def test_a_fraction_is_one_of_retraining_where_the_runs_are_executed(agree: Callable[..., Terms]) -> None:
    """It is timed there once for each class, and nothing is timed here."""
    engine, there, other = TimingEngine(), Elsewhere("cuda:A"), Elsewhere("cuda:B")
    limits = Limits(wall_fraction=0.2)
    terms = agree(engine, "1" * 12, limits, timer=there)
    assert (terms.retrain_seconds, terms.wall_seconds) == (100.0, 20.0)
    assert agree(engine, "1" * 12, limits, timer=there) == terms
    assert agree(engine, "2" * 12, limits, timer=there).machine == terms.machine
    assert agree(engine, "2" * 12, limits, timer=other).machine != terms.machine
    assert (engine.started, there.measured, other.measured) == (0, 1, 1)


def test_a_small_fraction_on_gpus_elsewhere_has_their_lower_bound(agree: Callable[..., Terms]) -> None:
    """The first use of each kernel takes time there too."""
    terms = agree(TimingEngine(), "1" * 12, Limits(wall_fraction=0.001), timer=Elsewhere("cuda:A"))
    assert terms.wall_seconds == MIN_GPU_SECONDS
