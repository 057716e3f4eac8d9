"""Run `unlearn` with longer time limits for attacks and their controls, for an emulated machine.

    .venv/bin/python -m tests.guest.patient FACTOR gallery NAMES --challenge challenges/digits

Only the time limits of the gallery's runs grow. The expected end of each attack stays the same.
"""

from __future__ import annotations

import sys
from typing import Any

from runner.cli.main import main as unlearn
from runner.gallery import attacks as gallery_attacks


def main() -> None:
    """Multiply the gallery's wall time limits, then run `unlearn`."""
    factor = float(sys.argv.pop(1))
    for name in ("GALLERY_LIMITS", "HONEST_LIMITS"):
        limits = getattr(gallery_attacks, name)
        longer = limits.with_changes(wall_seconds=limits.wall_seconds * factor)
        setattr(gallery_attacks, name, longer)
    validate = gallery_attacks.AttackSpec.model_validate

    def with_more_time(fields: dict[str, Any]) -> gallery_attacks.AttackSpec:
        if "wall_seconds" in fields.get("limits", {}):
            fields["limits"]["wall_seconds"] *= factor
        return validate(fields)

    gallery_attacks.AttackSpec.model_validate = with_more_time  # type: ignore[assignment,method-assign]
    unlearn()


if __name__ == "__main__":
    main()
