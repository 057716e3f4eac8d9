"""Populations that follow from others: networks chosen at home, fine-tunings chosen by validation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from benchmarks.integrity.populations import REFERENCES, Populations, join, pick
from benchmarks.integrity.selection import SELECTIONS
from scoring.outputs import SPLITS

FRESH: Final = 7
"""Populations of freshly retrained networks that a challenge can have, besides the references."""
_POOL = tuple(f"fresh-{number}" for number in range(FRESH))
_FINETUNED = tuple(f"noisy_finetune-{number}" for number in range(3))
MODELS = 64


def derive(place: Populations) -> Iterator[str]:
    """Make what can be made of a challenge's populations and is not there, and yield the names."""
    if not place.has("fresh-0") or place.load("fresh-0").models < MODELS:
        return
    if not place.has("home_64_once-0"):
        place.save("home_64_once-0", place.load("fresh-0"), method="home_64_once", pool=MODELS)
        yield "home_64_once-0"
    for name, (choose, size) in SELECTIONS.items():
        least = size // MODELS
        parts = [part for part in _POOL[: None if name.startswith("chosen_") else least] if place.has(part)]
        if place.has(f"{name}-0") or len(parts) < least:
            continue
        pool = [place.load(part) for part in parts]
        confidences, references = join(pool).confidences(), place.load(REFERENCES).confidences()
        rows = choose(confidences, references, MODELS, 0)
        place.save(f"{name}-0", pick(pool, rows), method=name, pool=len(confidences), networks=rows.tolist())
        yield f"{name}-0"
    if place.has(*_FINETUNED) and not place.has("best_by_validation-0"):
        parts_of_honest = [place.load(part) for part in _FINETUNED]
        correct = join(parts_of_honest).correct[:, SPLITS.index("val")].sum(axis=1)
        rows = np.argsort(-correct, kind="stable")[: len(correct) // len(_FINETUNED)]
        place.save("best_by_validation-0", pick(parts_of_honest, rows), method="best_by_validation")
        yield "best_by_validation-0"
