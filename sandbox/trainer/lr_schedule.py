"""The learning rate of each step, as torch's own schedulers have it; pure.

``one-cycle``  torch.optim.lr_scheduler.OneCycleLR: from a 25th up to the peak over the first fifth of the
               steps and down to nearly nothing, both along a cosine; it moves with every step
``cosine``     CosineAnnealingLR over all epochs: from the peak down along a cosine, once an epoch
``constant``   the peak
"""

from __future__ import annotations

import math
from typing import Final

from sandbox.protocol.presets import Preset

_RISE: Final = 0.2
_FIRST: Final = 1 / 25
_LAST: Final = _FIRST * 1e-4


def rate(preset: Preset, step: int, steps_an_epoch: int) -> float:
    """Return the learning rate of a step; steps count from 0 through all epochs."""
    peak = preset.learning_rate
    if preset.schedule == "constant":
        return peak
    if preset.schedule == "cosine":
        return _between(peak, 0.0, (step // steps_an_epoch) / preset.epochs)
    steps = preset.epochs * steps_an_epoch
    top = _RISE * steps - 1
    if top > 0 and step <= top:
        return _between(peak * _FIRST, peak, step / top)
    return _between(peak, peak * _LAST, (step - top) / (steps - 1 - top))


def _between(begin: float, end: float, share: float) -> float:
    """Return the point of a half cosine from ``begin`` to ``end``."""
    return end + (begin - end) / 2 * (1 + math.cos(math.pi * share))
