"""Under which terms is an evaluation judged? What its challenge leaves to the machine, made definite.

Terms are agreed on when an evaluation begins and kept with it: they decide verdicts, so all its
runs on one machine have the same, however often it is gone on with. They are no part of its
identity: the same evaluation on a slower machine has more seconds and the same name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from runner.challenge import Challenge
from runner.description import Feedback
from runner.limits import Limits, Seconds, effective
from runner.retraining import Circumstances, Measurement

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
        said = challenge.description
        limits = said.limits.model_copy(update={"wall_seconds": self.wall_seconds, "wall_fraction": None})
        return replace(challenge, description=said.model_copy(update={"limits": limits}))


def terms_of(
    limits: Limits, feedback: Feedback, timed: tuple[Circumstances, Measurement] | None = None
) -> Terms:
    """Return the terms that limits come to; seconds hold on any machine, whatever retraining takes there.

    Raises:
        ConfigurationError: they ask for a fraction of retraining, which was not timed.
    """
    retrain_seconds = timed[1].retrain_seconds if timed is not None else None
    return Terms(
        machine=timed[0].key if timed is not None and limits.wall_fraction is not None else ANY_MACHINE,
        wall_seconds=effective(limits, retrain_seconds).in_force(),
        total_seconds=limits.total_seconds,
        wall_fraction=limits.wall_fraction,
        retrain_seconds=retrain_seconds,
        feedback=feedback,
    )
