"""TODO runner.challenge.seeds."""

from __future__ import annotations

from typing import Final

from runner.challenge.description import Description

GUESSABLE_SEEDS: Final = 1 << 32
"""A seed below is one of so few that trying them all, by training the original network, pays."""


def has_guessable_seed(description: Description) -> bool:
    """Return whether a private challenge's seed can be found by trying."""
    seed = description.seed
    return description.visibility == "private" and seed is not None and seed < GUESSABLE_SEEDS
