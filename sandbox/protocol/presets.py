"""How a network is trained, as a value; and the ways of training that have a name.

Standard library only: the host checks what an organizer chose before a container is started.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Optimizer = Literal["sgd", "adam"]
"""``adam`` is torch.optim.Adam with its own betas; its weight decay is an L2 penalty added to the
gradient, not AdamW's."""

Schedule = Literal["one-cycle", "cosine", "constant"]
"""What becomes of the learning rate (`sandbox.trainer.lr_schedule`)."""

ClassWeights = Literal["none", "balanced"]
"""``balanced``: a class counts by the inverse of its frequency in the training data."""

Keep = Literal["last", "best-by-validation"]
"""Which epoch's weights a network ends with; of equally good ones, the earliest's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What is said of a training; what is left out is what recipes do of themselves.

    Raises:
        ValueError: two of these do not go together.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    """At its peak."""
    weight_decay: float
    momentum: float
    """Of SGD. Adam has none that could be chosen: 0."""
    optimizer: Optimizer = "sgd"
    nesterov: bool = True
    schedule: Schedule = "one-cycle"
    class_weights: ClassWeights = "none"
    keep: Keep = "last"

    def __post_init__(self) -> None:
        """Check what goes together."""
        if self.optimizer == "adam" and (self.momentum or self.nesterov):
            raise ValueError("momentum and nesterov are SGD's; adam takes neither")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")


QUICK: Final = "quick"
"""The recipe's own way: SGD with Nesterov momentum and one cycle, few epochs, the last kept."""

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
"""docs/organizers.md says what is known of these two, and what is our choice."""

NAMES: Final = (QUICK, *PRESETS)


def resolve_preset(own: Preset, choice: Mapping[str, Any]) -> Preset:
    """Return the recipe's own way or a named one, with what the choice changes of it.

    Args:
        own: The recipe's.
        choice: ``preset``, one of `NAMES` and `QUICK` where it is left out; and values by the
            names of `Preset`. What an optimizer does not take, it loses.

    Raises:
        ValueError: what is chosen does not go together.
    """
    base = PRESETS.get(choice.get("preset", QUICK), own)
    values = {**asdict(base), **{name: value for name, value in choice.items() if name != "preset"}}
    if values["optimizer"] == "adam":
        values["momentum"] = choice.get("momentum", 0.0)
    if not values["momentum"]:
        values["nesterov"] = choice.get("nesterov", False)
    return Preset(**values)
