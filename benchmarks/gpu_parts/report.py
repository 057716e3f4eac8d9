"""The JSON file of the measurements, written anew with each new value, so that an interruption costs none."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SCHEMA_VERSION: Final = 1
UNDER_WAY: Final = "under way; the measurement ended with this part if this stays"
"""Stands in the place of the reason why a part was stopped, as long as it goes on."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What was measured, what was skipped and why, and what failed."""

    path: Path
    device: str
    small: bool
    """Whether sizes were reduced until nothing is measured but that the parts work."""
    started_at: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    parts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each part took."""
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """Error messages of parts that ended with an exception."""

    def add_so_far(self, part: str, values: Mapping[str, Any]) -> None:
        """Record what a part has measured that goes on."""
        self.parts[part] = {**values, "stopped": UNDER_WAY}

    def add(self, part: str, values: Mapping[str, Any], error: str, skipped: str, seconds: float) -> None:
        """Record what has become of a part: one that was stopped keeps what it had, with the reason."""
        self.parts.pop(part, None)
        if skipped:
            self.skipped[part] = skipped
            return
        if not error:
            self.parts[part] = values
        elif values:
            self.parts[part] = {**values, "stopped": error}
        else:
            self.failed[part] = error
        self.seconds[part] = seconds

    def write(self) -> None:
        """Replace the file as a whole.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(self.as_json(), indent=1, sort_keys=True, allow_nan=False)
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(text + "\n")
        new.replace(self.path)

    def as_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return {
            "schema_version": SCHEMA_VERSION,
            "device": self.device,
            "small": self.small,
            "started_at": self.started_at,
            "parts": finite(dict(self.parts)),
            "seconds": self.seconds,
            "skipped": self.skipped,
            "failed": self.failed,
        }


def finite(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """Return the value with text in place of numbers that JSON has not: infinite ones, and "nan"."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def quantiles(values: list[float]) -> dict[str, float]:
    """Return least, median, 90 % and greatest of some values; empty without values."""
    if not values:
        return {}
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]

    return {"min": ordered[0], "median": at(0.5), "p90": at(0.9), "max": ordered[-1]}
