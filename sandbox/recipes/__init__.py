"""Recipes: where a challenge's data comes from, one small file each.

A recipe is a function from a seed and a forget fraction to a `Recipe`. To add one, write
it beside `sandbox.recipes.digits` and name it in `RECIPES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox.recipes import digits
from sandbox.recipes.recipe import Recipe

RECIPES: Final[dict[str, Callable[[int, float], Recipe]]] = {"digits": digits.recipe}
