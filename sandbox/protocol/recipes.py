"""The table of recipe facts: what the host must know about each recipe before it starts a trainer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFacts:
    """The facts about one recipe by which the host decides."""

    embeds_data: bool = False
    """The recipe brings its own data; all others read the organizer's files."""

    names_persons: bool = False
    """The data may say which person an example belongs to."""

    is_downloadable: bool = False
    """The host can download the data (`runner.builder.download.ARCHIVES` has the address and the hash)."""

    reads_every_file: bool = True
    """False: `sandbox.protocol.recipe_files` selects the organizer's files by name."""

    retrains_for_minutes: bool = False
    """With all of its examples and 30 epochs or more, retraining takes minutes on any device."""

    default_limits: Mapping[str, Any] = field(default_factory=dict)
    """Limits of the recipe's challenge that differ from the general defaults, by the field names of
    `runner.challenge.limits.Limits`."""


RECIPES: Final[Mapping[str, RecipeFacts]] = {
    "arrays": RecipeFacts(names_persons=True),
    "cifar10": RecipeFacts(is_downloadable=True, retrains_for_minutes=True),
    "cifar100": RecipeFacts(retrains_for_minutes=True),
    "cifar100-coarse": RecipeFacts(retrains_for_minutes=True),
    "digits": RecipeFacts(
        embeds_data=True,
        default_limits={"wall_seconds": 60.0, "cpus": 2.0, "concurrency": 2},
    ),
    "faces": RecipeFacts(names_persons=True, reads_every_file=False),
    "idx": RecipeFacts(),
}
"""By name; `sandbox.recipes.RECIPES` has the function of each."""

PERSON_RECIPES: Final = tuple(name for name, facts in RECIPES.items() if facts.names_persons)
DOWNLOADABLE_RECIPES: Final = tuple(name for name, facts in RECIPES.items() if facts.is_downloadable)
