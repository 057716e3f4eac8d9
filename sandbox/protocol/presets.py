"""Training presets: the settings of a training as a value, and the named sets of settings.

Standard library only: the host checks an organizer's choice before it starts a container.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Optimizer = Literal["sgd", "adam"]
"""``adam`` is torch.optim.Adam with its own betas; its weight decay is an L2 penalty added to the
gradient, not AdamW's."""

Schedule = Literal["one-cycle", "cosine", "constant"]
"""How the learning rate changes during training (`sandbox.trainer.lr_schedule`)."""

ClassWeights = Literal["none", "balanced"]
"""``balanced``: the weight of a class is the inverse of its frequency in the training data."""

Keep = Literal["last", "best-by-validation"]
"""The epoch whose weights are kept; of equally good epochs, the earliest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The settings of a training; the defaults are what recipes use without a choice.

    Raises:
        ValueError: two settings contradict each other.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    """The maximum of the schedule."""
    weight_decay: float
    momentum: float
    """Of SGD. Adam has no such setting: 0."""
    optimizer: Optimizer = "sgd"
    nesterov: bool = True
    schedule: Schedule = "one-cycle"
    class_weights: ClassWeights = "none"
    keep: Keep = "last"

    def __post_init__(self) -> None:
        """Check that the settings can be combined."""
        if self.optimizer == "adam" and (self.momentum or self.nesterov):
            raise ValueError("momentum and nesterov are settings of SGD; adam accepts neither")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")


QUICK: Final = "quick"
"""The recipe's own settings: SGD with Nesterov momentum, one cycle, few epochs, the last epoch's weights."""

PRESETS: Final[Mapping[str, Preset]] = {
    "contest": Preset(
        optimizer="adam",
        learning_rate=1e-4,
        weight_decay=5e-3,
        momentum=0.0,
        nesterov=False,
        schedule="cosine",
        epochs=30,
        batch_size=64,
        class_weights="balanced",
        keep="best-by-validation",
    ),
    "starting-kit": Preset(
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=5e-4,
        momentum=0.9,
        nesterov=False,
        schedule="cosine",
        epochs=30,
        batch_size=128,
    ),
}
"""docs/organizers.md states which of these settings are published and which are our choice."""

NAMES: Final = (QUICK, *PRESETS)


def resolve_preset(own: Preset, choice: Mapping[str, Any]) -> Preset:
    """Return the recipe's own preset or a named one, with the changes of a choice applied.

    Args:
        own: The recipe's own preset.
        choice: ``preset``, one of `NAMES`, with `QUICK` as the default; and values by the field
            names of `Preset`. Inherited values that the optimizer does not accept are dropped.

    Raises:
        ValueError: the chosen settings contradict each other.
    """
    base = PRESETS.get(choice.get("preset", QUICK), own)
    values = {**asdict(base), **{name: value for name, value in choice.items() if name != "preset"}}
    if values["optimizer"] == "adam":
        values["momentum"] = choice.get("momentum", 0.0)
    if not values["momentum"]:
        values["nesterov"] = choice.get("nesterov", False)
    return Preset(**values)
