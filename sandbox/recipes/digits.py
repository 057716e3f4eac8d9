"""Recipe ``digits``: the 1 797 real 8x8 digits that ship with scikit-learn.

Stratified into 70 % training, 15 % validation and 15 % test. The forget set is part of the training
examples and, as in the contest, comes from a few classes: three, drawn by the seed,
with 60, 25 and 15 % of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sandbox.protocol.presets import Preset
from sandbox.recipes.api import Draft, Request
from sandbox.recipes.splits import choose_forget_rows, limit_rows, random_state

CLASSES: Final = 10
_MAX_PIXEL: Final = 16.0

PRESET: Final = Preset(epochs=12, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)


def recipe(request: Request) -> Draft:
    """Return the digits, split by the seed."""
    digits = load_digits()
    labels = digits.target.astype(np.int64)
    state = random_state(request.seed)
    rows = limit_rows(np.arange(len(labels)), labels, request.max_examples, state)
    train, rest = train_test_split(rows, test_size=0.3, stratify=labels[rows], random_state=state)
    val, test = train_test_split(rest, test_size=0.5, stratify=labels[rest], random_state=state)
    forget = choose_forget_rows(train, labels, request.forget_fraction, state)
    splits = {"retain": np.setdiff1d(train, forget), "forget": forget, "val": val, "test": test}
    return Draft(
        architecture="digits",
        classes=CLASSES,
        preset=PRESET,
        images=(digits.images / _MAX_PIXEL).astype(np.float32)[:, np.newaxis],
        labels=labels,
        splits={name: np.sort(rows) for name, rows in splits.items()},
    )
