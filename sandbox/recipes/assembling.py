"""From a recipe's draft to tensors, after the last checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sandbox.models import build
from sandbox.preset import chosen
from sandbox.recipes.draft import Draft, RecipeError, Request, Rows, Splits
from sandbox.recipes.recipe import Recipe
from sandbox.recipes.splitting import check_splits


def assemble(draft: Draft, request: Request) -> Recipe:
    """Return the recipe; the request may choose another architecture, training and number of epochs.

    Raises:
        RecipeError: splits overlap or are empty, or the architecture does not take such images.
    """
    columns = {"label": draft.labels, "image_id": np.arange(len(draft.labels)), **draft.extra}
    check_splits(draft.splits, columns.get("person_id"))
    architecture = request.architecture or draft.architecture
    try:
        preset = chosen(draft.preset, request.training)
    except ValueError as error:
        raise RecipeError(f"this training is not possible: {error}") from error
    preset = replace(preset, epochs=request.epochs or preset.epochs)
    _check_fit(architecture, draft.classes, draft.images.shape[1:], draft.splits, preset.batch_size)
    return Recipe(
        architecture=architecture,
        classes=draft.classes,
        preset=preset,
        splits={
            name: {
                "image": torch.from_numpy(draft.to_float(draft.images[rows])),
                **{column: _integers(values[rows]) for column, values in columns.items()},
            }
            for name, rows in draft.splits.items()
        },
    )


def _integers(values: Rows) -> Tensor:
    return torch.from_numpy(values.astype(np.int64))


def _check_fit(
    architecture: str, classes: int, shape: tuple[int, ...], splits: Splits, batch_size: int
) -> None:
    try:
        net = build(architecture, classes)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    with torch.no_grad():
        try:
            net.eval()(torch.zeros(2, *shape))
        except RuntimeError as error:
            size = "x".join(map(str, shape))
            raise RecipeError(f"the architecture {architecture} does not take images of {size}") from error
        try:
            net.train()(torch.zeros(1, *shape))
        except ValueError as error:  # batch normalisation of a single value
            for name in ("retain", "forget"):
                if len(splits[name]) % batch_size == 1:
                    raise RecipeError(
                        f"{name} would have {len(splits[name])} examples, and {architecture} cannot train on "
                        f"the last one alone (the batch size is {batch_size}); take another number of "
                        "examples, forget fraction or seed"
                    ) from error
