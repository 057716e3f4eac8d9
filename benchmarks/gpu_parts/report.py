"""The JSON file of the measurements, written anew after each part, so that an interruption costs one part."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SCHEMA_VERSION: Final = 1


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
            "parts": dict(self.parts),
            "seconds": self.seconds,
            "skipped": self.skipped,
            "failed": self.failed,
        }


def quantiles(values: list[float]) -> dict[str, float]:
    """Return least, median, 90 % and greatest of some values; empty without values."""
    if not values:
        return {}
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]

    return {"min": ordered[0], "median": at(0.5), "p90": at(0.9), "max": ordered[-1]}
