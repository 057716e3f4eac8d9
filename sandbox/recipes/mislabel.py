"""Wrong labels for some forget examples, so that it shows whether they were forgotten.

The original network can only know such a label from training, and no reference guesses it: what an attack
finds of these examples is what was memorized. An audit of typical examples alone overestimates forgetting
(U-LiRA+, arXiv 2406.13348). Examples and labels come from hashes of the seed, so splits stay as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from sandbox.recipes.api import Draft, RecipeError


def mislabel(draft: Draft, count: int, seed: int) -> tuple[Draft, list[int]]:
    """Return a draft in which some forget examples have a wrong label, and their positions in that split.

    Args:
        draft: With the true labels.
        count: Number of examples; at most half of the forget set.
        seed: Of the challenge.

    Raises:
        RecipeError: the forget set is too small, or there is no other class.
    """
    if not count:
        return draft, []
    forget = draft.splits["forget"]
    if 2 * count > len(forget):
        raise RecipeError(
            f"--mislabelled {count} is more than half of the forget set, which has {len(forget)} examples"
        )
    classes = np.unique(draft.labels)
    if len(classes) < 2:
        raise RecipeError("--mislabelled needs a second class")
    order = sorted(range(len(forget)), key=lambda position: _digest(seed, "example", int(position)))
    positions = sorted(order[:count])
    labels = draft.labels.copy()
    for position in positions:
        row = forget[position]
        others = [int(label) for label in classes if label != labels[row]]
        labels[row] = others[int.from_bytes(_digest(seed, "label", position)[:8], "big") % len(others)]
    return replace(draft, labels=labels), positions


def _digest(seed: int, purpose: str, position: int) -> bytes:
    return hashlib.sha256(f"mislabelled {purpose} {position} {seed}".encode()).digest()
