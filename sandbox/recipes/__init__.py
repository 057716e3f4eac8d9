"""Recipes: sources of a challenge's data, one small file each.

A recipe is a function from a `Request` (seed, forget fraction, the organizer's files as bytes)
to a `Draft` (images, labels, and the rows of each split)::

    files ──> recipe ──> Draft ──> assemble ──> TrainingData (tensors), for the trainer
    (bytes)   NumPy only           checks splits, network and training

To add a recipe, write a module like `sandbox.recipes.idx`, and name it in `RECIPES` and in
`sandbox.protocol.recipes.RECIPES`; docs/organizers.md shows an example.

A recipe parses files that may be damaged: it refuses them with a `RecipeError` that names file and row.
`sandbox.recipes.run` turns any other exception into one that names the file in work. A recipe runs in the
trainer container alone, which has no network and none of the host's disk, and must not import torch, so that
it can be tested on the host. All of its random choices come from the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox.recipes import arrays, cifar10, cifar100, digits, faces, idx
from sandbox.recipes.api import Draft, Request

RECIPES: Final[dict[str, Callable[[Request], Draft]]] = {
    "arrays": arrays.recipe,
    "cifar10": cifar10.recipe,
    "cifar100": cifar100.recipe,
    "cifar100-coarse": cifar100.coarse_recipe,
    "digits": digits.recipe,
    "faces": faces.recipe,
    "idx": idx.recipe,
}
