"""Which options of `unlearn run` make sense, alone and together."""

from __future__ import annotations

from runner.engine.placement import CPU
from runner.errors import ConfigurationError
from runner.execution.settings import MAX_RUNS


def require_sense(n: int, *, device: str, devices: str, cluster: str) -> None:
    """Refuse options that make no sense, alone or together.

    Raises:
        ConfigurationError: names them.
    """
    if not 2 <= n <= MAX_RUNS:
        raise ConfigurationError(
            f"--runs or -n must be from 2 to {MAX_RUNS}, not {n}; a score compares populations."
        )
    if devices and device != CPU:
        raise ConfigurationError("Give either --device or --devices.")
    if cluster and device != CPU:
        raise ConfigurationError("With --cluster, give --devices: those of each node.")
