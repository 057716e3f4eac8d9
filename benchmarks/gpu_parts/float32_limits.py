"""The limit of a device's float32 arithmetic, from data sheets; the file names the source of each figure."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

LIMITS_FILE: Final = Path(__file__).with_name("float32_limits.json")


def data_sheet_limit(name: str, file: Path = LIMITS_FILE) -> float | None:
    """Return float32 operations a second without tensor cores, by the maker's data sheet; None if unknown.

    ``name``: of the device, as torch reports it. A listed device counts if all its words are in the name; of
    several, the one with the most words.
    """
    words = set(re.split(r"[^A-Z0-9]+", name.upper()))
    devices = json.loads(file.read_text())["devices"]
    matches = [device for device in devices if set(device["words"]) <= words]
    if not matches:
        return None
    return float(max(matches, key=lambda device: len(device["words"]))["tflops"]) * 1e12
