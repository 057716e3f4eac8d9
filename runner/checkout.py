"""The files that image and gallery are built from: of the checkout, or their copies in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final


def find_root(package: Path) -> Path:
    """Return the folder with the Dockerfile: the copy that an installed package has, or the checkout.

    Args:
        package: Folder of the package `runner`.
    """
    packaged = package / "packaged"
    return packaged if packaged.is_dir() else package.parent


ROOT: Final = find_root(Path(__file__).resolve().parent)


def next_step(command: str) -> str:
    """Return the advice to run a command."""
    return f"run: {command}"
