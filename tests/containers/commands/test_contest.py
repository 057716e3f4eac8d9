"""A small contest from its file to a published leaderboard and a final: three teams, one of them hostile."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from runner.competition.competition import COMPETITION_FILE
from tests.support.command import unlearn
from tests.support.paths import SAMPLES

pytestmark = [pytest.mark.container, pytest.mark.slow]

QUICK = (
    *("--references", 4, "--epochs", 1, "--forget-fraction", 0.1, "--limit-examples", 200),
    *("--concurrency", 1, "--cpus", 1),
)
local = datetime.fromisoformat
RUNS = 16


def competition_fields(closes: str = "2100-01-01T00:00:00") -> dict[str, Any]:
    return {
        "schema_version": 1,
        "name": "Small contest",
        "time_zone": "AoE",
        "phases": [
            {
                "name": "feedback",
                "kind": "feedback",
                "challenges": ["challenges/feedback"],
                "opens": local("2020-01-01T00:00:00"),
                "closes": local(closes),
                "runs": RUNS,
                "quota": {"per_day": 4, "failed_per_day": 5},
            },
            {
                "name": "final",
                "kind": "final",
                "challenges": ["challenges/final"],
                "opens": local("2020-01-02T00:00:00"),
                "closes": local("2100-01-01T00:00:00"),
                "runs": RUNS,
                "final": {
                    "entries_from": "feedback",
                    "choose_by": local(closes),
                    "metric": "tug_of_war",
                },
            },
        ],
    }


def hand_in(inbox: Path) -> None:
    """Lay out what the teams hand in: good code, a crash, a pickle, a link, a broken archive."""
    for team, name in (("alpha", "finetune"), ("beta", "original")):
        (inbox / team).mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / name / "submission.py", inbox / team / f"{name}.py")
    mallory = inbox / "mallory"
    mallory.mkdir()
    shutil.copy(SAMPLES / "hostile" / "pickle_as_checkpoint" / "submission.py", mallory / "pickle.py")
    (mallory / "crash.py").write_text(
        "def unlearning(net, retain, forget, val):\n    raise ValueError(net)\n"
    )
    (mallory / "neighbour.py").symlink_to(inbox / "alpha" / "finetune.py")
    with zipfile.ZipFile(mallory / "up.zip", "w") as archive:
        archive.writestr("../submission.py", "x")


def test_a_small_contest(tmp_path: Path) -> None:
    """Everybody is judged by their own code, the hostile team has no rank, and nothing is stuck."""
    folder, store, inbox = tmp_path / "contest", tmp_path / "store", tmp_path / "inbox"
    for seed, name in ((7, "feedback"), (8, "final")):
        unlearn("challenge", "build", "digits", folder / "challenges" / name, *QUICK, "--seed", seed)
    (folder / COMPETITION_FILE).write_text(tomli_w.dumps(competition_fields()))

    def type_in(command: str, *words: object) -> str:
        ended = unlearn("competition", *command.split(), folder, *words, "--store", store)
        return ended.stdout

    def ask(command: str, *words: object) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(type_in(command, *words, "--json"))
        return value

    unlearn("competition", "check", folder, "--store", store)
    for team in ("alpha", "beta", "mallory"):
        type_in("team add", team)
    hand_in(inbox)
    type_in("sync", inbox)
    type_in("evaluate", "--drain")
    status = ask("status")
    assert status["queue"] == status["held"] == status["stuck"] == []
    states = {
        entry["file"]: entry["state"]
        for team in ("alpha", "beta", "mallory")
        for entry in ask("view", "--as", team)["entries"]
    }
    assert states == {
        "finetune.py": "scored",
        "original.py": "scored",
        "crash.py": "failed",
        "pickle.py": "failed",
        "neighbour.py": "refused",
        "up.zip": "refused",
    }
    board = ask("view", "--as", "beta")["board"]
    assert sorted(row["team"] for table in board["tables"] for row in table["rows"]) == ["alpha", "beta"]
    type_in("publish", tmp_path / "public")
    page = (tmp_path / "public" / "feedback" / "index.html").read_text()
    assert "alpha" in page
    assert "mallory" not in page
    type_in("rejudge start", "--phase", "feedback", "--reason", "to be sure")
    type_in("evaluate", "--drain")
    assert all(pair["same_evaluation"] for pair in ask("rejudge show", 1)["entries"])
    type_in("rejudge apply", 1, "--reason", "nothing has changed")
    assert ask("view", "--as", "beta")["board"]["tables"][0]["rows"]
    ended = competition_fields(closes="2020-01-02T00:00:00")
    (folder / COMPETITION_FILE).write_text(tomli_w.dumps(ended))
    type_in("final")
    type_in("evaluate", "--drain")
    final = ask("final")
    assert final["waiting"] == 0
    assert sorted((each["team"], each["rank"] is None) for each in final["standings"]) == [
        ("alpha", False),
        ("beta", False),
    ]
    assert all(0 < each["combined"] <= 1 for each in final["standings"])
