"""The training of a challenge's networks: as the challenge records it, and as an organizer chooses it.

A challenge records every field. An organizer's choice is a preset's name (`sandbox.protocol.presets.NAMES`)
or a file with the challenge's table, in which any field may be missing and a preset fills in the rest::

    [training]
    preset = "contest"
    epochs = 10
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line
from runner.validation import first_problem
from sandbox.protocol.presets import (
    NAMES,
    QUICK,
    ClassWeights,
    Keep,
    Optimizer,
    Preset,
    Schedule,
    resolve_preset,
)

Epochs = Annotated[int, Field(ge=1, le=1_000_000)]
BatchSize = Annotated[int, Field(ge=1, le=1 << 24)]
LearningRate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
WeightDecay = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_TABLE: Final = "training"
_MAX_FILE_BYTES: Final = 1 << 16
_ANY_RECIPE: Final = Preset(epochs=1, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
"""Stands for any recipe's own training: which fields fit together does not depend on it, for all use SGD."""


class Training(BaseModel):
    """The training of the original network and the references; defaults are those of earlier versions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    optimizer: Optimizer = "sgd"
    """`adam` is torch.optim.Adam: its weight decay is an L2 penalty in the gradient."""
    learning_rate: LearningRate
    """The maximum of the schedule."""
    momentum: Momentum
    """Of SGD; 0 with Adam."""
    nesterov: bool = True
    """Whether SGD uses Nesterov momentum; false with Adam."""
    weight_decay: WeightDecay
    """Factor of the L2 penalty in the gradient."""
    schedule: Schedule = "one-cycle"
    """How the learning rate changes during training."""
    epochs: Epochs
    """Passes over the training examples."""
    batch_size: BatchSize
    """Examples in a step of the optimizer."""
    class_weights: ClassWeights = "none"
    """`balanced`: the inverse of the frequency of a class in the training data."""
    keep: Keep = "last"
    """The epoch whose weights are kept; of equally good epochs, the earliest."""

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        Preset(**self.model_dump())
        return self


class TrainingChoice(BaseModel):
    """Fields of a training that an organizer chose; the preset fills in the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    preset: str | None = None
    """Fills in the rest: `quick`, `contest` or `starting-kit`."""
    optimizer: Optimizer | None = None
    """As in `challenge.toml`."""
    learning_rate: LearningRate | None = None
    """As in `challenge.toml`."""
    momentum: Momentum | None = None
    """As in `challenge.toml`."""
    nesterov: bool | None = None
    """As in `challenge.toml`."""
    weight_decay: WeightDecay | None = None
    """As in `challenge.toml`."""
    schedule: Schedule | None = None
    """As in `challenge.toml`."""
    epochs: Epochs | None = None
    """As in `challenge.toml`."""
    batch_size: BatchSize | None = None
    """As in `challenge.toml`."""
    class_weights: ClassWeights | None = None
    """As in `challenge.toml`."""
    keep: Keep | None = None
    """As in `challenge.toml`."""

    @field_validator("preset")
    @classmethod
    def _check_preset(cls, name: str | None) -> str | None:
        if name is not None and name not in NAMES:
            raise ValueError(f"unknown preset; the presets are {', '.join(NAMES)}")
        return None if name == QUICK else name

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        resolve_preset(_ANY_RECIPE, self.chosen_fields())
        return self

    def chosen_fields(self) -> dict[str, Any]:
        """Return the chosen fields alone."""
        return self.model_dump(exclude_none=True)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    training: TrainingChoice


def parse_training_choice(text: str) -> TrainingChoice | None:
    """Return the choice in a preset's name or in the ``.toml`` file at a path; None if it changes nothing.

    Raises:
        ConfigurationError: the text is neither, or the file is not valid.
    """
    if text in NAMES:
        choice = TrainingChoice(preset=text)
    elif text.endswith(".toml"):
        choice = _read(Path(text))
    else:
        raise ConfigurationError(
            f"--training must be {', '.join(NAMES)} or a .toml file with a table [{_TABLE}], not {text!r}."
        )
    return choice if choice.chosen_fields() else None


def _read(file: Path) -> TrainingChoice:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    try:
        return _File.model_validate(tomllib.loads(content.decode())).training
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {first_problem(error)}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is not TOML: it is nested too deeply.") from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is not TOML: {sanitize_line(str(error))}.") from error
