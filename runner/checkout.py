"""The project's checkout: the image and the gallery are built from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def next_step(command: str, *, root: Path = ROOT) -> str:
    """Return the advice to run a command that builds from the checkout, or where to run it instead.

    An installed package lacks the Dockerfile, so the command would only say that.
    """
    if (root / "Dockerfile").is_file():
        return f"run: {command}"
    return f"run this in a checkout of the project, from which the image is built: {command}"
