"""Under which terms is an evaluation judged? What its challenge leaves to the machine, made definite.

Terms are agreed on when an evaluation begins and kept with it: they decide verdicts, so all its
runs on one machine have the same, however often it is gone on with. They are no part of its
identity: the same evaluation on a slower machine has more seconds and the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from runner.challenge.challenge import Challenge
from runner.challenge.description import Feedback
from runner.challenge.limits import Limits, Seconds, wall_seconds
from runner.engine.client import Engine
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.image.image import Image
from runner.progress import Reporter
from runner.store.store import Store
from runner.time_limits.measurements import Measurement, MeasurementKey, load_cached, measurement_key
from runner.time_limits.retraining import get_or_measure

ANY_MACHINE = ""
"""The key of terms that do not depend on the machine."""


class Terms(BaseModel):
    """What was agreed on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    """Key of the circumstances under which retraining was timed; `ANY_MACHINE` if it was not."""
    wall_seconds: Seconds
    """In force for each run."""
    total_seconds: Seconds | None
    wall_fraction: Annotated[float, Field(gt=0)] | None
    retrain_seconds: Seconds | None
    """What retraining takes where the evaluation began, if that is known; limits need not depend on it."""
    feedback: Feedback

    def applied_to(self, challenge: Challenge) -> Challenge:
        """Return the challenge with the time limit that is in force; its hash stays."""
        return challenge.with_limits(wall_seconds=self.wall_seconds)


def resolve_terms(
    limits: Limits, feedback: Feedback, timed: tuple[MeasurementKey, Measurement] | None = None
) -> Terms:
    """Return the terms that limits come to; seconds hold on any machine, whatever retraining takes there.

    Raises:
        ConfigurationError: they ask for a fraction of retraining, which was not timed.
    """
    retrain_seconds = timed[1].retrain_seconds if timed is not None else None
    return Terms(
        machine=timed[0].key if timed is not None and limits.wall_fraction is not None else ANY_MACHINE,
        wall_seconds=wall_seconds(limits, retrain_seconds),
        total_seconds=limits.total_seconds,
        wall_fraction=limits.wall_fraction,
        retrain_seconds=retrain_seconds,
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
) -> Terms:
    """Return the terms of an evaluation on this machine, timing retraining where they depend on it.

    Where they do not, what was measured before is noted all the same: the score card tells what part
    of it a run takes.

    Raises:
        ConfigurationError: retraining could not be timed, for the organizer's own network is of no use.
        SandboxError: retraining could not be timed.
    """
    said = challenge.description
    here = measurement_key(engine, image, challenge, placement)
    machine = here.key if said.limits.wall_fraction is not None else ANY_MACHINE
    before = store.terms(evaluation, machine)
    if before is not None:
        return Terms.model_validate(before)
    noted = load_cached(here)
    found = (here, noted) if noted is not None else None
    if said.limits.wall_fraction is not None:
        found = get_or_measure(
            engine=engine,
            image=image,
            challenge=challenge,
            labels=labels,
            reporter=reporter,
            placement=placement,
        )
    settled = resolve_terms(said.limits, said.feedback, found)
    return Terms.model_validate(store.agree(evaluation, machine, settled.model_dump(mode="json")))
