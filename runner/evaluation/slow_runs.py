"""Before an evaluation's runs are called too slow: time retraining again, once."""

from __future__ import annotations

from runner.challenge.challenge import Challenge
from runner.errors import RunnerError
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings, slot_limits
from runner.results.scoring import look_too_slow
from runner.time_limits.second_timing import time_again
from runner.time_limits.terms import Terms
from runner.verdict import Verdict


def time_again_if_too_slow(
    context: EvaluationContext, evaluation: str, challenge: Challenge, terms: Terms, settings: Settings
) -> None:
    """Time retraining again if the runs look too slow, and record it with the terms.

    A failure is reported and changes nothing: the runs are then compared with the first timing alone.
    """
    store = context.store
    retraining, runs = store.retraining(evaluation), store.runs(evaluation)
    if (
        retraining.processor_seconds_again is not None
        or challenge.references is None
        or any(run.verdict is not Verdict.OK for run in runs)
        or not look_too_slow(runs, retraining)
    ):
        return
    name = challenge.description.name
    context.reporter.step(f"{name}: the runs look too slow, so retraining is timed again")
    try:
        seconds = time_again(
            engine=context.engine,
            image=context.image,
            challenge=challenge,
            labels=context.labels,
            placement=settings.placement,
            at_once=slot_limits(challenge.description.limits, settings.cores).concurrency,
        )
    except RunnerError as error:
        context.reporter.step(f"{name}: retraining could not be timed again: {error}")
        return
    if seconds is not None:
        store.add_second_timing(evaluation, terms.machine, seconds)
