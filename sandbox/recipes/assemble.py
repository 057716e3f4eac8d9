"""Conversion of a recipe's draft to tensors, after the last checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from sandbox.networks.architectures import build
from sandbox.networks.custom import describe_error
from sandbox.protocol.presets import resolve_preset
from sandbox.recipes.api import Draft, RecipeError, Request, Rows, Splits
from sandbox.recipes.dataset import TrainingData
from sandbox.recipes.splits import check_splits

_STORABLE = frozenset(
    {
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    }
)
"""The types of tensors that the host accepts in a checkpoint."""


def assemble(draft: Draft, request: Request) -> TrainingData:
    """Return a draft's data; the request may choose another architecture, training and number of epochs.

    Raises:
        RecipeError: splits overlap or are empty, the training is impossible, or the architecture cannot be
            trained on such images.
    """
    columns = {"label": draft.labels, "image_id": np.arange(len(draft.labels)), **draft.extra}
    if request.shared_persons and "person_id" not in columns:
        raise RecipeError("splits cannot share persons, since the data does not name persons")
    check_splits(draft.splits, columns.get("person_id"), shared=request.shared_persons)
    architecture = request.architecture or draft.architecture
    try:
        preset = resolve_preset(draft.preset, request.training)
    except ValueError as error:
        raise RecipeError(f"this training is not possible: {error}") from error
    preset = replace(preset, epochs=request.epochs or preset.epochs)
    _check_fit(architecture, draft.classes, draft.images.shape[1:], draft.splits, preset.batch_size)
    return TrainingData(
        architecture=architecture,
        classes=draft.classes,
        class_names=draft.class_names,
        preset=preset,
        notes=draft.notes,
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
        net, second = build(architecture, classes), build(architecture, classes)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    if _shapes(net) != _shapes(second):
        raise RecipeError(f"the weights of {architecture} differ in name or shape each time it is built")
    _check_weights(architecture, net)
    with torch.no_grad():
        for training in (False, True):
            _check_answer(architecture, net.train(training), classes, shape)
        try:
            net(torch.zeros(1, *shape))
        except Exception as error:  # of batch normalisation on a single value, or any that an own file raises
            for name in ("retain", "forget"):
                if len(splits[name]) % batch_size == 1:
                    raise RecipeError(
                        f"{name} would have {len(splits[name])} examples, and {architecture} cannot train on "
                        f"the last example alone (the batch size is {batch_size}); choose another number of "
                        "examples, forget fraction or seed"
                    ) from error


def _shapes(net: nn.Module) -> dict[str, object]:
    return {
        name: getattr(weight, "shape", None)
        for name, weight in net.state_dict().items()
        if not is_lazy(weight)
    }


def _check_weights(architecture: str, net: nn.Module) -> None:
    """Refuse a network that could not be trained, or whose weights a checkpoint could not hold."""
    state = net.state_dict()
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor) or is_lazy(tensor) or tensor.dtype not in _STORABLE:
            raise RecipeError(
                f"the state dict of the architecture {architecture} contains {name}, which is not a tensor "
                "of plain numbers with a known size"
            )
    names = {name for name, weight in net.named_parameters(remove_duplicate=False) if weight.requires_grad}
    if not names & state.keys():
        raise RecipeError(f"the architecture {architecture} has no weights to train")


def _check_answer(architecture: str, net: nn.Module, classes: int, shape: tuple[int, ...]) -> None:
    try:
        logits = net(torch.zeros(2, *shape))
    except Exception as error:  # the exception depends on the architecture
        size = "x".join(map(str, shape))
        raise RecipeError(
            f"the architecture {architecture} does not accept images of {size} ({describe_error(error)})"
        ) from error
    if not isinstance(logits, Tensor):
        result = f"a {type(logits).__name__}"
    elif logits.shape != (2, classes) or not logits.is_floating_point():
        result = f"a tensor {list(logits.shape)} of {logits.dtype}"
    else:
        return
    raise RecipeError(
        f"the architecture {architecture} returns {result} for two images, not a tensor [2, {classes}] of "
        "logits"
    )
