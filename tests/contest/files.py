"""What a small contest consists of: its phases, and what its teams hand in."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.support.paths import SAMPLES

TEAMS: Final = ("alpha", "beta", "gamma", "delta", "mallory", "trudy")
HOSTILE: Final = ("mallory", "trudy")
WEB_TEAM: Final = "delta"
"""It hands in over the web; the others have folders."""
FAR: Final = datetime(2100, 1, 1)  # noqa: DTZ001 - a local time, as the file has them
LONG_AGO: Final = datetime(2020, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a contest is: what makes it take minutes or an hour."""

    runs: int
    build: tuple[object, ...]
    """Options of ``challenge build digits``."""
    devices: tuple[str, ...]
    """Options of ``competition evaluate`` where many entries wait."""
    builds_practice: bool
    """Whether the practice phase has a challenge of its own, and not a copy."""


SMALL: Final = Size(
    runs=16,
    build=(
        *("--references", 4, "--epochs", 12, "--forget-fraction", 0.1, "--limit-examples", 200),
        *("--concurrency", 1, "--cpus", 1),
    ),
    devices=("--devices", "cpu:2"),
    builds_practice=False,
)
"""For `make test`: most of its time is the start of containers."""
FULL: Final = Size(runs=64, build=("--references", 64), devices=(), builds_practice=True)
"""For `make contest`: the size of a challenge with which scores mean something."""


def phases(size: Size, *, closes: datetime = FAR, freezes: datetime | None = None) -> dict[str, Any]:
    """Return the fields of ``competition.toml``: a practice, a feedback and a final phase.

    Args:
        size: Of the contest.
        closes: When hand-ins end, anywhere on Earth; teams choose until then.
        freezes: From when on entries change nothing on the public leaderboard.
    """
    quota = {"per_day": 6, "failed_per_day": 6}
    common = {"opens": LONG_AGO, "closes": closes, "runs": size.runs, "quota": quota}
    feedback: dict[str, Any] = {
        "name": "feedback",
        "kind": "feedback",
        "challenges": ["challenges/feedback"],
        **common,
    }
    if freezes is not None:
        feedback["leaderboard"] = {"freezes": freezes}
    return {
        "schema_version": 1,
        "name": "Small contest",
        "time_zone": "AoE",
        "phases": [
            {"name": "practice", "kind": "practice", "challenges": ["challenges/practice"], **common},
            feedback,
            {
                "name": "final",
                "kind": "final",
                "challenges": ["challenges/final"],
                "opens": LONG_AGO + timedelta(days=1),
                "closes": FAR,
                "runs": size.runs,
                "final": {"entries_from": "feedback", "choose_by": closes, "metric": "tug_of_war"},
            },
        ],
    }


def hand_in_first(inbox: Path) -> dict[str, str]:
    """Write what the teams' folders hold before the freeze, and return in which state each file must end."""
    _copy(inbox, "alpha", "finetune")
    _copy(inbox, "beta", "noisy_finetune")
    _copy(inbox, "gamma", "original")
    _copy(inbox, "mallory", "hostile/pickle_as_checkpoint", "pickle.py")
    (inbox / "mallory" / "neighbour.py").symlink_to(inbox / "alpha" / "finetune.py")
    with zipfile.ZipFile(inbox / "mallory" / "up.zip", "w") as archive:
        archive.writestr("../submission.py", "x")
    _copy(inbox, "trudy", "hostile/dtype_wrong", "dtype.py")
    (inbox / "trudy" / "crash.py").write_text(
        "def unlearning(net, retain, forget, val):\n    raise ValueError(net)\n"
    )
    return {
        "finetune.py": "scored",
        "noisy_finetune.py": "scored",
        "original.py": "scored",
        "pickle.py": "failed",
        "neighbour.py": "refused",
        "up.zip": "refused",
        "dtype.py": "failed",
        "crash.py": "failed",
    }


def hand_in_late(inbox: Path) -> None:
    """Write what a team hands in after the freeze."""
    _copy(inbox, "gamma", "random_labels")


def web_submission() -> bytes:
    """Return the file that one team hands in over the web."""
    return (SAMPLES / "negative_gradient" / "submission.py").read_bytes()


def _copy(inbox: Path, team: str, sample: str, name: str | None = None) -> None:
    folder = inbox / team
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SAMPLES / sample / "submission.py", folder / (name or f"{sample}.py"))


Say = Callable[[str], object]
"""Receives a sentence about what is done next."""
