"""A competition small enough to read, on challenges small enough to read."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from runner.challenge.description import Visibility
from runner.competition.competition import COMPETITION_FILE
from runner.competition.load import load_competition
from runner.errors import ConfigurationError
from tests.runner.conftest import ChallengeFolder

local = datetime.fromisoformat

FIELDS: dict[str, Any] = {
    "schema_version": 1,
    "name": "Forgetting 2026",
    "time_zone": "Europe/Berlin",
    "phases": [
        {
            "name": "practice",
            "kind": "practice",
            "challenges": ["practice"],
            "opens": local("2026-12-01T09:00"),
            "closes": local("2026-12-20T09:00"),
            "runs": 16,
            "quota": {"per_day": 5, "failed_per_day": 5},
        },
        {
            "name": "feedback",
            "kind": "feedback",
            "challenges": ["feedback"],
            "opens": local("2026-12-05T09:00"),
            "closes": local("2026-12-20T09:00"),
            "runs": 64,
            "quota": {"per_day": 5, "failed_per_day": 5},
            "leaderboard": {"freezes": local("2026-12-18T00:00")},
        },
        {
            "name": "final",
            "kind": "final",
            "challenges": ["final", "final-2"],
            "opens": local("2026-12-21T09:00"),
            "closes": local("2026-12-31T09:00"),
            "runs": 512,
            "final": {"entries_from": "feedback", "choose_by": local("2026-12-22T09:00")},
        },
    ],
}
VISIBILITIES: dict[str, Visibility] = {
    "practice": "public",
    "feedback": "private",
    "final": "private",
    "final-2": "private",
}


class CompetitionFolder:
    """A competition on disk, whose fields a test may change."""

    def __init__(self, folder: Path) -> None:
        """Begin with valid fields; `write` writes them."""
        self.folder, self.fields = folder, copy.deepcopy(FIELDS)

    def phase(self, name: str) -> dict[str, Any]:
        """Return the fields of a phase."""
        found: dict[str, Any] = next(phase for phase in self.fields["phases"] if phase["name"] == name)
        return found

    def write(self) -> Path:
        """Write ``competition.toml``; return the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / COMPETITION_FILE).write_text(tomli_w.dumps(self.fields))
        return self.folder

    def with_challenges(self) -> Path:
        """Write the file and four challenges, each of another name and so another hash; return the folder."""
        for name, visibility in VISIBILITIES.items():
            challenge = ChallengeFolder(self.folder / name)
            challenge.describe(visibility=visibility)
            file = challenge.folder / "challenge.toml"
            file.write_text(
                file.read_text().replace('"tiny"', f'"{name}"').replace("seed = 0", "seed = 987654321012")
            )
        return self.write()


@pytest.fixture
def competition(tmp_path: Path) -> CompetitionFolder:
    """Return a valid competition, which is not written yet."""
    return CompetitionFolder(tmp_path / "contest")


@pytest.fixture
def problem(competition: CompetitionFolder) -> Callable[[], str]:
    """Return a way to get the sentence with which the file is refused."""

    def refused() -> str:
        with pytest.raises(ConfigurationError) as caught:
            load_competition(competition.write())
        return str(caught.value)

    return refused
