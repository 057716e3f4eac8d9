"""What the evaluations of one command share, and the part of it that executing their runs needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.image.image import Image
from runner.progress import Reporter
from runner.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionContext:
    """What executing runs needs: engine, image, labels, reporter. An executor knows no store."""

    engine: Engine
    info: EngineInfo
    """What the engine reported when the command started."""
    image: Image
    labels: dict[str, str]
    """Of all containers that this process starts."""
    reporter: Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationContext(ExecutionContext):
    """Resources shared by evaluations: those of executing runs, and a store."""

    store: Store
    folder: Path
    """Of the store; each evaluation has a folder of its own inside."""
