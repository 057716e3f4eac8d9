"""Recipes: where a challenge's data comes from, one small file each.

A recipe is a function from a `Request` (seed, forget fraction, the organizer's files as bytes)
to a `Draft`. It runs in the trainer container alone, which has no network and no disk of the
host's. To add one, write it beside `sandbox.recipes.idx`, name it in `RECIPES` and in
`sandbox.protocol.recipes.RECIPES`; docs/organizers.md shows it by example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox.recipes import arrays, cifar10, digits, faces, idx
from sandbox.recipes.api import Draft, Request

RECIPES: Final[dict[str, Callable[[Request], Draft]]] = {
    "arrays": arrays.recipe,
    "cifar10": cifar10.recipe,
    "digits": digits.recipe,
    "faces": faces.recipe,
    "idx": idx.recipe,
}
