"""TODO runner.builder.plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from runner.challenge.architecture import ArchitectureFile
from runner.challenge.description import (
    Description,
    Feedback,
    RunDevice,
    Source,
    Visibility,
)
from runner.challenge.limits import Limits
from runner.image.image import Image
from sandbox.protocol.recipes import RECIPES


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """What is to be built."""

    recipe: str
    name: str
    seed: int
    forget_fraction: float
    references: int
    item_format: str
    limits: Limits
    feedback: Feedback = "full"
    visibility: Visibility = "private"
    device: RunDevice = "cpu"
    """What runs need."""
    source: Source = field(default_factory=Source)
    architecture_file: ArchitectureFile | None = None
    """The organizer's own network; its hash is part of ``source``."""

    def identity(self, image: Image) -> dict[str, Any]:
        """Return what has to be the same for a build to be gone on with."""
        return {
            "recipe": self.recipe,
            "source": self.source.model_dump(),
            "seed": self.seed,
            "forget_fraction": self.forget_fraction,
            "image": image.digest,
        }


def matches_plan(found: Description, plan: BuildPlan) -> bool:
    return (
        found.recipe == plan.recipe
        and found.source == plan.source
        and found.seed == plan.seed
        and found.forget_fraction == plan.forget_fraction
        and found.references == plan.references
        and found.item_format == plan.item_format
        and found.limits == plan.limits
        and found.feedback == plan.feedback
        and found.visibility == plan.visibility
        and found.device == plan.device
        and found.exported_from is None
    )


def default_limits(recipe: str) -> Limits:
    """Return the limits that a recipe's challenge has unless the organizer sets others."""
    return Limits(**RECIPES[recipe].default_limits)
