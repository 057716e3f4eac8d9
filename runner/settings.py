"""How is an evaluation to be done, with what, and what is it called?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runner.challenge import Challenge
from runner.engine import Engine
from runner.image import Image
from runner.placement import CPU, HERE, Isolation, Placement
from runner.progress import Reporter
from runner.store import Store
from runner.submission import Submission

MOST_RUNS: Final = 20_000

Where = tuple[str, str, str]
USUAL: Final[Where] = ("process", "", CPU)
"""Isolation, runtime and device that are no part of an evaluation's name: older ones keep theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an evaluation is to be done."""

    n: int
    keep_going: bool
    """Do all runs even after one has earned no ``ok``."""
    keep_checkpoints: bool
    isolation: Isolation = "process"
    placement: Placement = HERE
    device: str = CPU
    """As it was asked for; ``placement`` says how the engine is to give it."""

    @property
    def where(self) -> Where:
        """Return isolation, runtime and device."""
        return (self.isolation, self.placement.runtime, self.device)

    def facts(self) -> dict[str, Any]:
        """Return them as plain values, for records."""
        isolation, runtime, device = self.where
        return {
            "n": self.n,
            "keep_going": self.keep_going,
            "keep_checkpoints": self.keep_checkpoints,
            "isolation": isolation,
            "runtime": runtime,
            "device": device,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where evaluations are done: what they share."""

    engine: Engine
    image: Image
    store: Store
    folder: Path
    """Of the store; each evaluation has a folder of its own inside."""
    labels: dict[str, str]
    reporter: Reporter


def identity(submission: Submission, challenge: Challenge, image: Image, settings: Settings) -> str:
    """Return the evaluation's name: the same for the same submission, challenge, image and settings."""
    return identity_of(
        submission=submission.sha256,
        challenge=challenge.sha256,
        image=image.digest,
        n=settings.n,
        where=settings.where,
    )


def identity_of(*, submission: str, challenge: str, image: str, n: int, where: Where = USUAL) -> str:
    """Return the evaluation's name from hashes, number of runs, and isolation, runtime and device."""
    parts: dict[str, object] = {"submission": submission, "challenge": challenge, "image": image, "n": n}
    if where != USUAL:
        parts["where"] = where
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
