"""TODO runner.execution.context."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.engine.client import Engine
from runner.image.image import Image
from runner.progress import Reporter
from runner.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationContext:
    """Where evaluations are done: what they share."""

    engine: Engine
    image: Image
    store: Store
    folder: Path
    """Of the store; each evaluation has a folder of its own inside."""
    labels: dict[str, str]
    reporter: Reporter
