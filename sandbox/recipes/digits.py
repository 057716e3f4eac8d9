"""Recipe ``digits``: the 1 797 real 8x8 digits that ship with scikit-learn.

Stratified into 70 % training, 15 % validation and 15 % test. The forget set is taken from
the training part and, as in the contest, from a few classes: three, drawn by the seed,
with 60, 25 and 15 % of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sandbox.recipes.recipe import Recipe, RecipeError
from sandbox.training import Preset

CLASSES: Final = 10
_CLASS_SHARES: Final = (0.60, 0.25, 0.15)
_BRIGHTEST: Final = 16.0

PRESET: Final = Preset(epochs=12, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)

Rows = NDArray[np.int64]


def recipe(seed: int, forget_fraction: float) -> Recipe:
    """Return the digits, split by ``seed``."""
    digits = load_digits()
    labels = digits.target.astype(np.int64)
    rows = np.arange(len(labels))
    state = np.random.RandomState(seed % 2**32)
    train, rest = train_test_split(rows, test_size=0.3, stratify=labels, random_state=state)
    val, test = train_test_split(rest, test_size=0.5, stratify=labels[rest], random_state=state)
    forget = _forget_rows(train, labels, forget_fraction, state)
    retain = np.setdiff1d(train, forget)
    images = (digits.images / _BRIGHTEST).astype(np.float32)[:, np.newaxis]
    return Recipe(
        architecture="digits",
        classes=CLASSES,
        preset=PRESET,
        splits={
            name: {
                "image": torch.from_numpy(images[chosen]),
                "label": torch.from_numpy(labels[chosen]),
                "image_id": torch.from_numpy(chosen),
            }
            for name, chosen in (
                ("retain", retain),
                ("forget", np.sort(forget)),
                ("val", np.sort(val)),
                ("test", np.sort(test)),
            )
        },
    )


def _forget_rows(train: Rows, labels: Rows, fraction: float, state: np.random.RandomState) -> Rows:
    wanted = round(fraction * len(train))
    classes = state.choice(CLASSES, size=len(_CLASS_SHARES), replace=False)
    counts = [round(share * wanted) for share in _CLASS_SHARES[:-1]]
    counts.append(wanted - sum(counts))
    chosen = []
    for label, count in zip(classes, counts, strict=True):
        members = train[labels[train] == label]
        if count >= len(members):
            raise RecipeError(f"class {label} has {len(members)} examples; {count} were to be forgotten")
        chosen.append(state.choice(members, size=count, replace=False))
    return np.concatenate(chosen)
