"""An export has everything that is recorded, and anonymously no name that a person gave."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.cli.main import run_words
from runner.contest.export import HASHES_FILE
from runner.errors import ConfigurationError
from runner.store.competition.records import Act
from tests.runner.contest.conftest import NAME, TEAMS, Contest

Json = dict[str, Any]


def export(contest: Contest, out: Path, *options: str) -> dict[str, bytes]:
    store = ["--store", str(contest.store_folder)]
    run_words(["competition", "export", str(contest.folder), str(out), *store, *options])
    return {file.name: file.read_bytes() for file in out.iterdir()}


@pytest.fixture
def played(contest: Contest) -> Contest:
    """Return a contest with a score, a failure, a refusal and a queued final."""
    contest.stores = True
    contest.hand_in("alpha", "=cmd()")
    contest.hand_in("beta", "secretname", code="CRASH")
    contest.hand_in("gamma", suffix=".txt")
    contest.sync()
    contest.work()
    with contest.store() as store:
        act = Act(who="gamma", act="choose", subject="alpha", reason="alpha typed this")
        store.add_act(NAME, act)
    contest.close_choice()
    run_words(["competition", "final", str(contest.folder), "--store", str(contest.store_folder)])
    return contest


def test_everything_is_there_and_the_hashes_hold(played: Contest, tmp_path: Path) -> None:
    """Each row of the store is in JSON and CSV; every file but the list has its hash in the list."""
    files = export(played, tmp_path / "new" / "out")
    listed = {}
    for line in files.pop(HASHES_FILE).decode().splitlines():
        digest, name = line.split("  ")
        listed[name] = digest
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    entries: list[Json] = json.loads(files["entries.json"])
    assert entries == [
        {**entry.to_json(), "bytes": entry.bytes} for entry in played.entries(with_pending=True)
    ]
    about = json.loads(files["export.json"])
    for table in ("teams", "entries", "evaluations", "audit", "finals"):
        rows = list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode(), newline="")))
        assert len(rows) == len(json.loads(files[f"{table}.json"])) == about["rows"][table] > 0
    evaluations: list[Json] = json.loads(files["evaluations.json"])
    assert {each["evaluation"] for each in evaluations} == {
        entry.evaluation for entry in played.entries() if entry.evaluation is not None
    }
    assert any(each["summary"]["score"] is not None for each in evaluations)
    assert about["challenges"].keys() == {"feedback", "final", "final-2"}
    assert files["competition.toml"] == (played.folder / "competition.toml").read_bytes()
    assert str(played.folder).encode() not in b"".join(files.values()), "no path of this host"
    cells = {row["file"] for row in csv.DictReader(io.StringIO(files["entries.csv"].decode(), newline=""))}
    assert "'=cmd().py" in cells, "a formula is text in a spreadsheet"


def test_no_name_is_left_in_an_anonymous_export(played: Contest, tmp_path: Path) -> None:
    """Names of teams, files and users, and reasons, are gone; scores and who is who by a name are not."""
    files = export(played, tmp_path / "out", "--anonymous")
    text = b"".join(data for name, data in files.items() if name != "competition.toml").decode()
    for word in (*TEAMS, "secretname", "cmd()", "mine", "typed this", '"me"'):
        assert word not in text
    assert {act["who"] for act in json.loads(files["audit.json"])} >= {"organizer"}
    teams = {team["name"] for team in json.loads(files["teams.json"])}
    assert len(teams) == len(TEAMS)
    assert {entry["team"] for entry in json.loads(files["entries.json"])} == teams
    assert {row["team"] for row in json.loads(files["finals.json"])} < teams
    assert any(each["summary"]["score"] is not None for each in json.loads(files["evaluations.json"]))


def test_nothing_is_overwritten(contest: Contest, tmp_path: Path) -> None:
    """A folder that exists is refused and left as it was; nothing half-written stays beside it."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("kept")
    with pytest.raises(ConfigurationError, match="exists"):
        export(contest, out)
    assert [file.name for file in out.iterdir()] == ["mine"]
    assert not list(tmp_path.glob(".unlearn-export-*"))
    assert datetime.fromisoformat(
        json.loads(export(contest, tmp_path / "other")["export.json"])["at"]
    ) <= datetime.now(UTC)
