"""Learning rate of each step, equal to torch's own schedulers; pure.

``one-cycle``  torch.optim.lr_scheduler.OneCycleLR: from 1/25 of the peak up to the peak over the first fifth
               of the steps, then down to nearly zero, both along a cosine; it changes with every step
``cosine``     CosineAnnealingLR over all epochs: from the peak down along a cosine, once an epoch
``constant``   the peak
"""

from __future__ import annotations

import math
from typing import Final

from sandbox.protocol.presets import Preset

_RISING_SHARE: Final = 0.2
_START: Final = 1 / 25
_END: Final = _START * 1e-4
"""Both as shares of the peak."""


def learning_rate_at(preset: Preset, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step; steps count from 0 through all epochs."""
    peak = preset.learning_rate
    if preset.schedule == "constant":
        return peak
    if preset.schedule == "cosine":
        return _interpolate(peak, 0.0, (step // steps_per_epoch) / preset.epochs)
    steps = preset.epochs * steps_per_epoch
    top = _RISING_SHARE * steps - 1
    if top > 0 and step <= top:
        return _interpolate(peak * _START, peak, step / top)
    return _interpolate(peak, peak * _END, (step - top) / (steps - 1 - top))


def _interpolate(start: float, end: float, share: float) -> float:
    """Return the point at ``share`` of a half cosine from ``start`` to ``end``."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))
