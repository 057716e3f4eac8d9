"""The time limit policy: the seconds that a run may take, from the limits and the time of retraining."""

from __future__ import annotations

import math
from typing import Final

from runner.challenge.limits import MAX_WALL_SECONDS, Limits
from runner.errors import ConfigurationError

MIN_WALL_SECONDS: Final = 1.0
"""Lower bound of a limit that is a fraction of retraining: where retraining takes a second, a fraction of it
would leave a run no time to import, fork and save."""
MIN_GPU_SECONDS: Final = 5.0
"""The same on a GPU, where the first use of each kernel takes time."""


def wall_seconds(limits: Limits, retrain_seconds: float | None = None, *, on_gpu: bool = False) -> float:
    """Return the seconds that a run may take.

    A fraction of ``retrain_seconds`` is raised to `MIN_WALL_SECONDS`, or on a GPU to `MIN_GPU_SECONDS`, and
    lowered to `MAX_WALL_SECONDS`; limits in seconds do not depend on ``retrain_seconds``.

    Raises:
        ConfigurationError: the limit is a fraction, and the retrain time is missing or is no time.
    """
    if limits.wall_seconds is not None:
        return limits.wall_seconds
    if (
        limits.wall_fraction is None
        or retrain_seconds is None
        or not (math.isfinite(retrain_seconds) and retrain_seconds > 0)
    ):
        raise ConfigurationError("The time limit is a fraction of retraining, which was not measured.")
    least = MIN_GPU_SECONDS if on_gpu else MIN_WALL_SECONDS
    return min(MAX_WALL_SECONDS, max(least, limits.wall_fraction * retrain_seconds))
