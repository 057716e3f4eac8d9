"""The files of a challenge's folder: their names, and which of them are public."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sandbox.protocol.splits import SPLITS

DESCRIPTION_FILE: Final = "challenge.toml"
DESCRIPTION_BYTES: Final = 4 << 20
"""The most that it may have."""
REFERENCES_FILE: Final = "private/references.npz"
PROBES_FILE: Final = "private/probes.npz"
"""Probes of the references; present only where a challenge records probes."""
ORIGINAL_FILE: Final = "public/original.safetensors"
PUBLIC_SPLITS: Final = ("retain", "forget", "val")
"""The splits that a worker receives, with the original network."""
SPLIT_FILES: Final = {
    split: f"{'public' if split in PUBLIC_SPLITS else 'private'}/{split}.safetensors" for split in SPLITS
}
PUBLIC_FILES: Final = (ORIGINAL_FILE, *(SPLIT_FILES[split] for split in PUBLIC_SPLITS))
CHALLENGE_FILES: Final = (*PUBLIC_FILES, SPLIT_FILES["test"], REFERENCES_FILE)
"""The files that every challenge has."""
BUILD_FACTS_FILE: Final = "private/build.json"
"""Observations of the build; not listed in the description, and no part of an export."""
EXPORTS_FILE: Final = "private/exports.txt"
"""When the challenge was exported, a line each; not listed in the description, and no part of an export."""
CONTROLS_FOLDER: Final = "private/controls"
"""Has a folder for each control problem; no part of an export."""
ARCHITECTURE_FILE: Final = "public/architecture.py"
"""The organizer's own module; present only where the challenge uses one."""


def control_folder(folder: Path, number: int) -> Path:
    """Return the folder of a challenge's control problem; numbers count from 1."""
    return folder / CONTROLS_FOLDER / str(number)


def public_files(files: Iterable[str]) -> list[str]:
    """Return those of a challenge's files that a worker may see."""
    return [name for name in files if name.startswith("public/")]
