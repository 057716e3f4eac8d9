"""What the evaluations of one command share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.image.image import Image
from runner.progress import Reporter
from runner.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationContext:
    """Resources shared by evaluations: engine, image, store, labels, reporter."""

    engine: Engine
    info: EngineInfo
    """What the engine reported when the command started."""
    image: Image
    store: Store
    folder: Path
    """Of the store; each evaluation has a folder of its own inside."""
    labels: dict[str, str]
    """Of all containers that this process starts."""
    reporter: Reporter
