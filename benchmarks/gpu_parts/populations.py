"""Part (h): how well references trained together are told from those that the plain loop trains.

Two questions are asked of each way of training, as the scorer asks them of a submission: can classifiers tell
its networks from the plain loop's by all examples at once (the joint attack), and by one example (the
held-out epsilon). The plain loop against itself, with other seeds, shows what no difference looks like.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from sandbox.gpu_check.children import call_in_child
from sandbox.networks.architectures import build
from sandbox.networks.precision import exact_arithmetic
from sandbox.protocol.presets import Preset
from sandbox.trainer.train_step import recorder_for
from sandbox.trainer.training import train_stacked

ARCHITECTURE: Final = "digits"
CLASSES: Final = 10
_PIXELS: Final = 8
_HELD_OUT: Final = 100
_NOISE: Final = 2.0
_SEED: Final = 41
_LEAST_SECONDS: Final = 2.0
PLAIN: Final = "plain loop"
PLAIN_AGAIN: Final = "plain loop, other seeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many networks each way trains, and on what."""

    models: int = 64
    examples: int = 640
    epochs: int = 6
    stacked: int = 16
    side_by_side: int = 8


FULL: Final = Size()
SMALL: Final = Size(models=6, examples=32, epochs=1, stacked=3, side_by_side=2)
"""Five networks on each side are the fewest for the joint attack."""


def compare_populations(
    device: str,
    size: Size,
    *,
    seconds: float,
    on_way: Callable[[dict[str, Any]], None] = lambda _values: None,
) -> dict[str, Any]:
    """Return, for each way of training, how far its networks are told from the plain loop's.

    Args:
        device: torch's name of the device.
        size: Of the populations.
        seconds: A way that has not ended by then is left out. Each is a process of its own.
        on_way: Receives what is known after each way.
    """
    from scoring.epsilon.held_out import held_out_epsilon  # noqa: PLC0415 - needs SciPy
    from scoring.flags.joint_attack import joint_attack  # noqa: PLC0415 - needs scikit-learn

    results: dict[str, Any] = {}
    values = {"models": size.models, "examples": _HELD_OUT, "ways": results}
    deadline = time.monotonic() + seconds
    plain: np.ndarray[Any, Any] | None = None
    for number, (name, options) in enumerate(ways(size).items()):
        left = deadline - time.monotonic()
        if left < _LEAST_SECONDS:
            results[name] = {"skipped": "no time left"}
            continue
        if number > 0 and plain is None:
            results[name] = {"skipped": "the plain loop gave nothing to compare with"}
            continue

        def trained(first: int = 1000 * number, options: dict[str, Any] = options) -> dict[str, Any]:
            return {"confidences": _population(device, size=size, first_seed=first, **options)}

        answer = call_in_child(trained, left)
        if "error" in answer:
            results[name] = answer
            continue
        confidences = np.array(answer["confidences"])
        if plain is None:
            plain = confidences
            continue
        attack = joint_attack(confidences, plain, seed=_SEED)
        results[name] = {
            "joint_p_value": attack.p_value,
            "joint_auc_svm": attack.auc_svm,
            "joint_auc_trees": attack.auc_trees,
            "held_out_epsilon_mean": float(held_out_epsilon(confidences, plain, seed=_SEED).mean()),
            "seconds": answer["seconds"],
        }
        on_way(values)
    return values


def ways(size: Size) -> Mapping[str, dict[str, Any]]:
    """Return the options of each way of training by its name; the plain loop is the first."""
    return {
        PLAIN: {"together": 1, "record": False},
        PLAIN_AGAIN: {"together": 1, "record": False},
        "one at a time, recorded": {"together": 1, "record": True},
        f"{size.stacked} stacked, recorded": {"together": size.stacked, "record": True},
        f"{size.side_by_side} side by side, recorded": {
            "together": size.side_by_side,
            "record": True,
            "side_by_side": True,
        },
    }


def problem(examples: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return training images and labels, then held-out ones: classes are noisy copies of a pattern each.

    Returns:
        float32 [examples, 1, 8, 8], int64 [examples], float32 [100, 1, 8, 8], int64 [100].
    """
    generator = torch.Generator().manual_seed(_SEED)
    patterns = torch.randn(CLASSES, 1, _PIXELS, _PIXELS, generator=generator)
    parts: list[Tensor] = []
    for count in (examples, _HELD_OUT):
        labels = torch.randint(CLASSES, (count,), generator=generator)
        noise = torch.randn(count, 1, _PIXELS, _PIXELS, generator=generator)
        parts += [patterns[labels] + _NOISE * noise, labels]
    images, labels, held_out, truth = parts
    return images, labels, held_out, truth


def _population(
    device: str, *, size: Size, first_seed: int, together: int, record: bool, side_by_side: bool = False
) -> list[list[float]]:
    """Return the confidences of networks that were trained in one way. Shape [models, held-out examples]."""
    from scoring.published.confidence import logit_scaled_confidence  # noqa: PLC0415 - beside its users

    exact_arithmetic()
    images, labels, held_out, truth = problem(size.examples)
    images, labels, held_out = images.to(device), labels.to(device), held_out.to(device)
    preset = Preset(epochs=size.epochs, batch_size=64, learning_rate=0.05, weight_decay=5e-4, momentum=0.9)
    rows: list[list[float]] = []
    net = build(ARCHITECTURE, CLASSES).to(images.device).eval()
    for first in range(0, size.models, together):
        seeds = list(range(first_seed + first, first_seed + min(first + together, size.models)))
        states = train_stacked(
            architecture=ARCHITECTURE,
            classes=CLASSES,
            images=images,
            labels=labels,
            seeds=seeds,
            preset=preset,
            make_recorder=recorder_for if record else lambda _device: None,
            side_by_side=side_by_side,
        )
        for state in states:
            net.load_state_dict(state)
            with torch.no_grad():
                logits = net(held_out).cpu().numpy()
            rows.append(logit_scaled_confidence(logits, truth.numpy()).tolist())
    return rows
