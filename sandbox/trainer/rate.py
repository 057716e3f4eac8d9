"""How many steps a second a training takes, without what only its start takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_LEAST_SHARE: Final = 1 / 20
"""Of a training of three epochs, two take at least this: a smaller difference is chance."""


def steps_per_second(seconds_of: Callable[[int], float], steps: int) -> float:
    """Return the rate, by the difference of two trainings, which is free of recording the step.

    A training before them is not counted. In it, a device loads what this way of training calls first, which
    can take seconds; with that in the shorter training, the difference would be too small or below zero.

    Args:
        seconds_of: Trains for a number of epochs and returns the seconds that it took.
        steps: Of all networks in an epoch.
    """
    seconds_of(1)
    once = min(seconds_of(1), seconds_of(1))
    thrice = seconds_of(3)
    return 2 * steps / max(thrice - once, _LEAST_SHARE * thrice)
