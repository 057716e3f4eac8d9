"""Entries are judged again on a challenge with control problems: from stored outputs, and in containers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
import tomli_w

from runner.competition.competition import COMPETITION_FILE
from runner.store.open_store import open_store
from tests.contest.files import SMALL
from tests.support.command import unlearn
from tests.support.paths import SAMPLES

pytestmark = [pytest.mark.container, pytest.mark.slow, pytest.mark.timeout(1800)]

NOWHERE: Final = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
RUNS: Final = 16
Pair = dict[str, Any]


class Contest:
    """A contest of one phase, whose challenge has a control problem; two teams have handed in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder / "contest", folder / "store"
        build = (*SMALL.build, "--controls", 1, "--seed", 7)
        unlearn("challenge", "build", "digits", self.folder / "challenge", *build)
        self.write(RUNS)
        for team, sample in (("alpha", "finetune"), ("beta", "random_labels")):
            self.type_in("team add", team)
            (folder / "inbox" / team).mkdir(parents=True)
            shutil.copy(SAMPLES / sample / "submission.py", folder / "inbox" / team / f"{sample}.py")
        self.type_in("sync", folder / "inbox")

    def write(self, runs: int) -> None:
        phase = {
            "name": "feedback",
            "kind": "feedback",
            "challenges": ["challenge"],
            "opens": datetime.fromisoformat("2020-01-01"),
            "closes": datetime.fromisoformat("2100-01-01"),
            "runs": runs,
        }
        fields = {"schema_version": 1, "name": "Again", "time_zone": "UTC", "phases": [phase]}
        (self.folder / COMPETITION_FILE).write_text(tomli_w.dumps(fields))

    def type_in(self, command: str, *words: object, **environment: str) -> str:
        typed = ("competition", *command.split(), self.folder, *words, "--store", self.store)
        return unlearn(*typed, environment=environment).stdout

    def again(
        self, number: int, *options: str, devices: Sequence[str] = (), **environment: str
    ) -> list[Pair]:
        """Judge all entries again, and return old and new results."""
        self.type_in("rejudge start", "--phase", "feedback", *options, "--reason", "to be sure")
        self.type_in("evaluate", "--drain", *devices, **environment)
        pairs: list[Pair] = json.loads(self.type_in("rejudge show", number, "--json"))["entries"]
        assert [pair["new"]["state"] for pair in pairs] == ["scored", "scored"], pairs
        return pairs

    def require_same_runs(self, pairs: Sequence[Pair]) -> None:
        """Require that new results have the runs of the old ones, on the control problem too, and all verify."""
        for pair in pairs:
            assert pair["new_score"] == pair["old_score"] is not None
            assert pair["flags_raised"] == pair["flags_dropped"] == []
            old, new = pair["old"]["evaluation"], pair["new"]["evaluation"]
            assert old != new
            with closing(open_store(self.store, create=False)) as store:
                assert store.runs(new) == store.runs(old)
                assert store.attempts(new) == store.attempts(old)
                (before,), (after,) = store.controls_of(old), store.controls_of(new)
                assert store.runs(after.id) == store.runs(before.id) != []
            self.require_verified(old, new)

    def require_verified(self, *evaluations: str) -> None:
        for evaluation in evaluations:
            assert "all of it matches" in unlearn("verify", evaluation, "--store", self.store).stdout


def test_rescored_and_executed_again(tmp_path: Path) -> None:
    """Scored again without an engine, then by two devices at once, also what was scored again before; executed
    again with more runs by two devices, on the challenge and its control problem.
    """
    contest = Contest(tmp_path)
    contest.type_in("evaluate", "--drain")
    contest.require_same_runs(contest.again(1, "--rescore", **NOWHERE))
    contest.type_in("rejudge apply", 1, "--reason", "nothing has changed")
    if (os.cpu_count() or 1) < 2:
        pytest.skip("slots of a run's core need two cores")
    devices = ("--devices", "cpu:2")
    contest.require_same_runs(contest.again(2, "--rescore", devices=devices))
    contest.type_in("rejudge apply", 2, "--reason", "nothing has changed")
    contest.write(RUNS + 4)
    executed = contest.again(3, devices=devices)
    used: set[str] = set()
    for pair in executed:
        name = pair["new"]["evaluation"]
        with closing(open_store(contest.store, create=False)) as store:
            assert len(store.runs(name)) == RUNS + 4
            (control,) = store.controls_of(name)
            assert len(store.runs(control.id)) == RUNS
            used |= {str(attempt.device) for attempt in store.attempts(name)}
        contest.require_verified(name)
    assert used == {"cpu 1/2", "cpu 2/2"}
    contest.type_in("rejudge apply", 3, "--reason", "more runs")
    board = json.loads(contest.type_in("view", "--phase", "feedback", "--json"))["board"]
    assert {row["team"] for table in board["tables"] for row in table["rows"]} == {"alpha", "beta"}
