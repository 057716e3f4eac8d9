"""Runs that look too slow have retraining timed again, once; others cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.evaluation.slow_runs import time_again_if_too_slow
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.progress import NullReporter
from runner.results.scoring import card_options
from runner.store.open_store import open_store
from runner.store.records import RetrainingRecord
from runner.time_limits.terms import Terms
from runner.verdict import Verdict
from tests.support.records import evaluation_record, run_record
from tests.support.timing.measuring_engine import MeasuringEngine

NAME = "0123456789ab"
TERMS = Terms(
    machine="",
    wall_seconds=60.0,
    total_seconds=None,
    wall_fraction=None,
    retrain_seconds=2.0,
    retrain_processor_seconds=1.0,
    empty_run_processor_seconds=0.1,
    retraining_fraction=0.65,
    feedback="full",
)
AGAIN = [1.0, 4.0, 6.4, 8.8, 11.2]
"""Portions of two epochs that use 2.4 s each: an epoch of 1.2 s, where the first timing found 1.0."""
SLOW = [0.8] * 4


class Steps(NullReporter):
    """What is reported."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def step(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def after_runs(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> Callable[..., Any]:
    """Return a way to have what is known of retraining after runs that used some processor time."""

    def after_runs(
        engine: MeasuringEngine,
        used: Sequence[float | None],
        *,
        verdict: Verdict = Verdict.OK,
        times: int = 1,
        steps: Steps | None = None,
        **changes: Any,
    ) -> RetrainingRecord:
        challenge = load_challenge(Limits(concurrency=1))
        terms = TERMS.model_copy(update=changes)
        with closing(open_store(tmp_path / "store", create=True)) as store:
            store.begin(evaluation_record(id=NAME, challenge_sha256=challenge.sha256, n=len(used)))
            store.agree(NAME, "", terms.model_dump(mode="json"))
            for index, seconds in enumerate(used):
                store.publish(NAME, run_record(index=index, processor_seconds=seconds, verdict=verdict))
            context = EvaluationContext(
                engine=cast(Engine, engine),
                info=EngineInfo(),
                image=Image(digest="c" * 64, identity="sha256:1"),
                store=store,
                folder=tmp_path / "store",
                labels={},
                reporter=steps or NullReporter(),
            )
            settings = Settings(n=len(used), keep_going=False, keep_checkpoints=False)
            for _time in range(times):
                time_again_if_too_slow(context, NAME, challenge, terms, settings)
            assert store.agree(NAME, "", {}) == store.terms(NAME, "")  # they can still be read
            Terms.model_validate(store.terms(NAME, ""))
            return store.retraining(NAME)

    return after_runs


def test_runs_that_look_too_slow_are_compared_with_a_second_timing(after_runs: Callable[..., Any]) -> None:
    """It is the slower one, so the runs are not too slow: (0.8 - 0.1) / 1.2 is less than 0.65."""
    engine, steps = MeasuringEngine(trainer_used=AGAIN), Steps()
    retraining = after_runs(engine, SLOW, steps=steps)
    assert retraining.processor_seconds == 1.0
    assert retraining.processor_seconds_again == pytest.approx(1.2)
    assert card_options(retraining).retraining_processor_seconds == pytest.approx(1.2)
    assert steps.texts == ["tiny: the runs look too slow, so retraining is timed again"]


def test_it_is_timed_again_once(after_runs: Callable[..., Any]) -> None:
    """A command that is repeated after a kill compares with what was recorded."""
    engine = MeasuringEngine(trainer_used=AGAIN)
    after_runs(engine, SLOW, times=3)
    assert engine.roles == ["trainer"]


@pytest.mark.parametrize(
    ("used", "changes"),
    [
        ([0.75] * 4, {}),
        ([0.8, 0.8, 0.8, None], {}),
        (SLOW, {"retrain_processor_seconds": None}),
        (SLOW, {"retraining_fraction": None}),
        (SLOW, {"verdict": Verdict.CRASHED}),
        ([], {}),
    ],
    ids=["within", "no time of a run", "no time of retraining", "no fraction", "a failed run", "no run"],
)
def test_others_cost_nothing(
    after_runs: Callable[..., Any], used: list[float], changes: dict[str, Any]
) -> None:
    """No container is started where the second timing could decide nothing."""
    engine = MeasuringEngine(trainer_used=AGAIN)
    assert after_runs(engine, used, **changes).processor_seconds_again is None
    assert engine.roles == []


def test_a_failure_leaves_the_first_timing(after_runs: Callable[..., Any]) -> None:
    """The evaluation has ended well, and the reason is reported."""
    engine, steps = MeasuringEngine(trainer_used=AGAIN, measured={}), Steps()
    retraining = after_runs(engine, SLOW, steps=steps)
    assert retraining.processor_seconds_again is None
    assert card_options(retraining).retraining_processor_seconds == 1.0
    assert steps.texts[-1].startswith("tiny: retraining could not be timed again: ")
