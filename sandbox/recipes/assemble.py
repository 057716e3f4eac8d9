"""From a recipe's draft to tensors, after the last checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from sandbox.networks.architectures import build
from sandbox.networks.custom import described
from sandbox.protocol.presets import resolve_preset
from sandbox.recipes.api import Draft, RecipeError, Request, Rows, Splits
from sandbox.recipes.dataset import Recipe
from sandbox.recipes.splits import check_splits

_STORABLE = frozenset(
    {
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    }
)
"""What the host knows in a checkpoint."""


def assemble(draft: Draft, request: Request) -> Recipe:
    """Return the recipe; the request may choose another architecture, training and number of epochs.

    Raises:
        RecipeError: splits overlap or are empty, or the architecture does not take such images.
    """
    columns = {"label": draft.labels, "image_id": np.arange(len(draft.labels)), **draft.extra}
    if request.shared_persons and "person_id" not in columns:
        raise RecipeError("persons cannot be shared by splits, since the data name none")
    check_splits(draft.splits, columns.get("person_id"), shared=request.shared_persons)
    architecture = request.architecture or draft.architecture
    try:
        preset = resolve_preset(draft.preset, request.training)
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
        net, again = build(architecture, classes), build(architecture, classes)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    if _shapes(net) != _shapes(again):
        raise RecipeError(f"the architecture {architecture} has other names or shapes each time it is built")
    _check_weights(architecture, net)
    with torch.no_grad():
        for training in (False, True):
            _check_answer(architecture, net.train(training), classes, shape)
        try:
            net(torch.zeros(1, *shape))
        except Exception as error:  # batch normalisation of a single value, or what an own file raises
            for name in ("retain", "forget"):
                if len(splits[name]) % batch_size == 1:
                    raise RecipeError(
                        f"{name} would have {len(splits[name])} examples, and {architecture} cannot train on "
                        f"the last one alone (the batch size is {batch_size}); take another number of "
                        "examples, forget fraction or seed"
                    ) from error


def _shapes(net: nn.Module) -> dict[str, object]:
    return {name: getattr(one, "shape", None) for name, one in net.state_dict().items() if not is_lazy(one)}


def _check_weights(architecture: str, net: nn.Module) -> None:
    """Refuse a network that could not be trained, or whose weights a checkpoint could not hold."""
    state = net.state_dict()
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor) or is_lazy(tensor) or tensor.dtype not in _STORABLE:
            raise RecipeError(
                f"the architecture {architecture} has {name} in its state dict, which is no tensor of plain "
                "numbers whose size is known"
            )
    names = {name for name, weight in net.named_parameters(remove_duplicate=False) if weight.requires_grad}
    if not names & state.keys():
        raise RecipeError(f"the architecture {architecture} has no weights to train")


def _check_answer(architecture: str, net: nn.Module, classes: int, shape: tuple[int, ...]) -> None:
    try:
        logits = net(torch.zeros(2, *shape))
    except Exception as error:  # each architecture has its own way to refuse
        size = "x".join(map(str, shape))
        raise RecipeError(
            f"the architecture {architecture} does not take images of {size} ({described(error)})"
        ) from error
    if not isinstance(logits, Tensor):
        found = f"a {type(logits).__name__}"
    elif logits.shape != (2, classes) or not logits.is_floating_point():
        found = f"a tensor {list(logits.shape)} of {logits.dtype}"
    else:
        return
    raise RecipeError(
        f"the architecture {architecture} returns {found} for two images, not one tensor [2, {classes}] of "
        "logits"
    )
