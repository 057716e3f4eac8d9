"""Runs `unlearn` with more time for attacks and their controls: for a machine that is emulated.

    .venv/bin/python -m tests.guest.patient FACTOR gallery NAMES --challenge challenges/digits

What an attack must end with stays the same; only the time that all its runs are given grows.
"""

from __future__ import annotations

import sys
from typing import Any

from runner.cli.main import main as unlearn
from runner.gallery import attacks as gallery_attacks


def main() -> None:
    """Multiply the gallery's limits of wall time, then do as `unlearn` would."""
    factor = float(sys.argv.pop(1))
    for name in ("GALLERY_LIMITS", "HONEST_LIMITS"):
        limits = getattr(gallery_attacks, name)
        longer = limits.with_changes(wall_seconds=limits.wall_seconds * factor)
        setattr(gallery_attacks, name, longer)
    validate = gallery_attacks.AttackSpec.model_validate

    def with_more_time(said: dict[str, Any]) -> gallery_attacks.AttackSpec:
        if "wall_seconds" in said.get("limits", {}):
            said["limits"]["wall_seconds"] *= factor
        return validate(said)

    gallery_attacks.AttackSpec.model_validate = with_more_time  # type: ignore[assignment,method-assign]
    unlearn()


if __name__ == "__main__":
    main()
