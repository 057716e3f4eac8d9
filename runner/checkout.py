"""Where the checkout of the project lies: the image and the gallery are made from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
