"""The challenge of a data set and a seed, made as `unlearn challenge build` makes it. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sandbox.networks.architectures import build, memory_format_of
from sandbox.networks.datasets import DictItems
from sandbox.networks.datasets import loader as loader_of_worker
from sandbox.networks.outputs import Outputs as NetworkOutputs
from sandbox.networks.outputs import outputs_of
from sandbox.protocol.splits import SPLITS
from sandbox.recipes import RECIPES
from sandbox.recipes.api import Request
from sandbox.recipes.assemble import assemble
from sandbox.recipes.dataset import TrainingData
from sandbox.recipes.run import run_recipe
from sandbox.trainer.references import train_group, train_original
from sandbox.trainer.step_count import StepCount
from sandbox.trainer.training import group_size
from scoring.outputs import Outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """How the challenges of a data set are made."""

    recipe: str
    examples: int | None = None
    """How many are used; None for all."""
    epochs: int | None = None
    """In place of the recipe's own: with the five of ``idx``, samples would take as long as retraining."""
    architecture: str | None = None
    """In place of the recipe's own."""
    learning_rate: float | None = None
    """In place of the recipe's own: with 0.1, a resnet18 knew a quarter of retain after so few steps."""
    copies: int = 1
    """How often the channels of an image are repeated: some networks take only images of three."""


DATA_SETS: Final = {
    "digits": DataSet(recipe="digits"),
    "mnist": DataSet(recipe="idx", examples=1000, epochs=12),
    "resnet18": DataSet(
        recipe="digits", examples=300, epochs=8, architecture="resnet18", copies=3, learning_rate=0.01
    ),
}
FORGET_FRACTION: Final = 0.05


class _BatchItems(DictItems):
    """Items of the worker, a batch of which is made at once: the same values in a fraction of the time."""

    def __init__(self, columns: dict[str, Tensor]) -> None:
        super().__init__(columns)
        self._columns = {"image": columns["image"], "age_group": columns["label"]} | {
            name: columns[name] for name in self.columns
        }

    def __getitems__(self, rows: list[int]) -> dict[str, Tensor]:
        chosen = torch.tensor(rows)
        return {name: column[chosen] for name, column in self._columns.items()}


def _as_it_is(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A challenge whose runs are executed in this process."""

    seed: int
    data: TrainingData
    original: dict[str, Tensor]

    @property
    def group(self) -> int:
        """Number of networks that are trained as one, as in a build on a CPU."""
        return group_size(self.data.architecture, "cpu")

    def network(self) -> nn.Module:
        """Return the original network, as a run receives it."""
        net = build(self.data.architecture, self.data.classes)
        net.load_state_dict(self.original)
        return net

    def loaders(self) -> list[DataLoader[Any]]:
        """Return retain, forget and val: the batches of the worker's loaders, made faster."""
        size = self.data.preset.batch_size
        return [
            DataLoader(_BatchItems(dict(split)), batch_size=size, shuffle=True, collate_fn=_as_it_is)
            for split in (self.data.splits[name] for name in ("retain", "forget", "val"))
        ]

    def outputs(self, net: nn.Module) -> NetworkOutputs:
        """Return the outputs of a network, as the evaluator computes them."""
        splits = {
            name: {column: self.data.splits[name][column] for column in ("image", "label")} for name in SPLITS
        }
        outputs: NetworkOutputs = outputs_of(
            net, splits, self.data.classes, memory_format_of(self.data.architecture)
        )
        return outputs

    def population(self, networks: Sequence[NetworkOutputs]) -> Outputs:
        """Return the outputs of several networks, as the scorer takes them."""
        return self._population(
            np.stack([network.logits.numpy() for network in networks]),
            np.stack([network.correct.numpy() for network in networks]),
            np.stack([network.unseen_losses.numpy() for network in networks]),
        )

    def retrained(self, first: int, models: int) -> Outputs:
        """Return networks trained on retain alone: `first` counts through all that the seed can give."""
        groups = [
            self._group(train_group(self.data, self.seed, number, self.group, "cpu"))
            for number in range(first, first + models, self.group)
        ]
        return self._population(*(np.concatenate(parts) for parts in zip(*groups, strict=True)))

    def _group(self, data: bytes) -> tuple[Any, Any, Any]:
        """Return the arrays of `train_group`."""
        counts = {name: len(split["label"]) for name, split in self.data.splits.items()}
        shapes = (
            ("<f4", (self.group, counts["forget"], self.data.classes)),
            ("<i8", (self.group, len(SPLITS), self.data.classes)),
            ("<f4", (self.group, counts["test"])),
        )
        arrays, place = [], 0
        for kind, shape in shapes:
            values = np.frombuffer(data, kind, int(np.prod(shape)), place)
            arrays.append(values.reshape(shape))
            place += values.nbytes
        assert place == len(data)
        return arrays[0], arrays[1], arrays[2]

    def _population(self, logits: Any, correct: Any, losses: Any) -> Outputs:  # noqa: ANN401 - arrays
        labels = {name: self.data.splits[name]["label"].numpy() for name in SPLITS}
        counts = [np.bincount(labels[name], minlength=self.data.classes) for name in SPLITS]
        return Outputs(
            logits=logits,
            labels=labels["forget"],
            correct=correct,
            class_counts=np.stack(counts),
            unseen_losses=losses,
        )


def make_problem(data_set: str, seed: int, folder: Path, data_folder: Path | None = None) -> Problem:
    """Return the challenge of a data set and a seed; the original network is stored in the folder.

    Args:
        data_set: A name in `DATA_SETS`.
        seed: Of the challenge.
        folder: Of the challenge's populations.
        data_folder: With the data's files, unless they come with the recipe.
    """
    chosen = DATA_SETS[data_set]
    files = {} if data_folder is None else {file.name: file.read_bytes() for file in data_folder.iterdir()}
    request = Request(
        seed=seed,
        forget_fraction=FORGET_FRACTION,
        max_examples=chosen.examples,
        files=files,
        epochs=chosen.epochs,
        architecture=chosen.architecture,
    )
    draft = run_recipe(RECIPES[chosen.recipe], request)
    draft = replace(draft, images=np.repeat(draft.images, chosen.copies, axis=1))
    data = assemble(draft, request)
    if chosen.learning_rate is not None:
        data = replace(data, preset=replace(data.preset, learning_rate=chosen.learning_rate))
    file = folder / "original.safetensors"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / ".original.unfinished"
        safetensors.torch.save_file(train_original(data, seed, "cpu", StepCount(0)), str(unfinished))
        unfinished.rename(file)
    problem = Problem(seed=seed, data=data, original=safetensors.torch.load_file(str(file)))
    _check_loaders(problem)
    return problem


def _check_loaders(problem: Problem) -> None:
    """Require that the first batch of each fast loader is that of the worker's."""
    for name, fast in zip(("retain", "forget", "val"), problem.loaders(), strict=True):
        slow = loader_of_worker(DictItems(problem.data.splits[name]), problem.data.preset.batch_size)
        batches = []
        for loader in (slow, fast):
            torch.manual_seed(problem.seed)
            batches.append(next(iter(loader)))
        assert list(batches[0]) == list(batches[1])
        assert all(torch.equal(batches[0][column], batches[1][column]) for column in batches[0])
