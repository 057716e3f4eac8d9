"""The terms of an evaluation: the limits of its challenge, made definite for this machine.

Terms are determined when an evaluation starts and stored with it. They decide verdicts, so all its runs
on one machine have the same terms, however often it is resumed. The name of an evaluation does not depend
on them: on a slower machine it has more seconds and the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.challenge.challenge import Challenge
from runner.challenge.description import Feedback
from runner.challenge.limits import Limits, Seconds
from runner.engine.api import Engine
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.errors import HostNotReadyError, RunnerError
from runner.image.image import Image
from runner.progress import Reporter
from runner.store.store import Store
from runner.time_limits.elsewhere import RetrainingTimer
from runner.time_limits.measurements import (
    Measurement,
    MeasurementKey,
    load_cached,
    measurement_key,
    store_cached,
)
from runner.time_limits.policy import wall_seconds
from runner.time_limits.retraining import get_or_measure
from runner.validation import first_problem

ANY_MACHINE = ""
"""The key of terms that do not depend on the machine."""


class Terms(BaseModel):
    """The time limits and the feedback that apply to an evaluation on a machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    """Digest of the measurement's key; `ANY_MACHINE` if the limits do not depend on one."""
    wall_seconds: Seconds
    """Time limit of each run."""
    total_seconds: Seconds | None
    wall_fraction: Annotated[float, Field(gt=0)] | None
    retrain_seconds: Seconds | None
    """Time of retraining on the machine where the evaluation started, if it was measured there."""
    retrain_processor_seconds: Seconds | None = None
    """Processor time of retraining there, if it was measured."""
    retrain_processor_seconds_again: Seconds | None = None
    """The same after the runs, if they looked too slow: `runner.time_limits.second_timing`."""
    empty_run_processor_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Processor time there of a run that does nothing, if it was measured."""
    retraining_fraction: Annotated[float, Field(gt=0)] | None = None
    """Fraction of retraining above which the score card flags the runs as too slow, if it is stated."""
    feedback: Feedback

    def applied_to(self, challenge: Challenge) -> Challenge:
        """Return the challenge with the definite time limit; its hash stays the same."""
        return challenge.with_limits(wall_seconds=self.wall_seconds)


def resolve_terms(
    limits: Limits,
    feedback: Feedback,
    timed: tuple[MeasurementKey, Measurement] | None = None,
    *,
    on_gpu: bool = False,
) -> Terms:
    """Return the terms that result from limits; seconds apply to any machine, however slow it is.

    Args:
        limits: The limits of the challenge.
        feedback: The feedback of the challenge.
        timed: The measurement of retraining on this machine, if there is one.
        on_gpu: Whether the runs use a GPU.

    Raises:
        ConfigurationError: the limit is a fraction of retraining, and ``timed`` is missing.
    """
    measured = timed[1] if timed is not None else None
    retrain_seconds = measured.retrain_seconds if measured is not None else None
    return Terms(
        machine=timed[0].digest if timed is not None and limits.wall_fraction is not None else ANY_MACHINE,
        wall_seconds=wall_seconds(limits, retrain_seconds, on_gpu=on_gpu),
        total_seconds=limits.total_seconds,
        wall_fraction=limits.wall_fraction,
        retrain_seconds=retrain_seconds,
        retrain_processor_seconds=measured.retrain_processor_seconds if measured is not None else None,
        empty_run_processor_seconds=measured.empty_run_processor_seconds if measured is not None else None,
        retraining_fraction=limits.retraining_fraction,
        feedback=feedback,
    )


def agree_on_terms(
    *,
    engine: Engine,
    image: Image,
    store: Store,
    evaluation: str,
    challenge: Challenge,
    labels: Mapping[str, str],
    reporter: Reporter,
    placement: Placement = DEFAULT_PLACEMENT,
    time_retraining: bool = False,
    timer: RetrainingTimer | None = None,
) -> Terms:
    """Return the terms of an evaluation on this machine; measure the retraining time if they depend on it.

    If they do not, it is measured where ``time_retraining`` is set: the score card shows the run time as a
    fraction of it. Otherwise a cached measurement is recorded, if there is one. Terms that do not depend on
    the time are agreed on without it where it cannot be measured, and the reporter says why.

    With a ``timer``, retraining is timed on another machine, whose class takes the place of this one.

    Raises:
        ConfigurationError: the limit is a fraction, and the organizer's own network cannot be used.
        HostNotReadyError: the same, and the cache cannot be written, or the container cannot use the device.
        SandboxError: the same, and the trainer failed.
    """
    description = challenge.description
    key = timer.key(challenge) if timer is not None else measurement_key(engine, image, challenge, placement)
    machine = key.digest if description.limits.wall_fraction is not None else ANY_MACHINE
    stored = store.terms(evaluation, machine)
    if stored is not None:
        return _from_store(stored, evaluation)
    cached = load_cached(key)
    timed = (key, cached) if cached is not None else None
    if timed is None and (time_retraining or description.limits.wall_fraction is not None):
        try:
            if timer is not None:
                timed = (key, timer.measure(challenge))
                store_cached(*timed)
            else:
                timed = get_or_measure(
                    engine=engine,
                    image=image,
                    challenge=challenge,
                    labels=labels,
                    reporter=reporter,
                    placement=placement,
                )
        except RunnerError as error:
            if description.limits.wall_fraction is not None:
                raise
            reporter.step(f"{description.name}: the score card will have no run times: {error}")
    on_gpu = timer.on_gpu if timer is not None else placement.gpu is not None
    terms = resolve_terms(description.limits, description.feedback, timed, on_gpu=on_gpu)
    return _from_store(store.agree(evaluation, machine, terms.model_dump(mode="json")), evaluation)


def _from_store(stored: Mapping[str, Any], evaluation: str) -> Terms:
    try:
        return Terms.model_validate(stored)
    except ValidationError as error:
        raise HostNotReadyError(
            f"The store has damaged terms of evaluation {evaluation} ({first_problem(error)}); "
            "restore it from a backup."
        ) from error
