"""Web service, evaluating processes and database are killed at random moments: no entry is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.contest.conftest import Contest
from tests.support.databases.fixtures import DATABASES, POSTGRESQL, move_rows
from tests.support.databases.server import Server, running_server
from tests.support.kills.harness import Tally, kill_at_random

_KILLS = 10


def require_exact(tally: Tally) -> None:
    """Require that nothing is wrong, and that kills have met something that was going on."""
    assert tally.problems == []
    assert tally.kills == _KILLS
    assert tally.at_work > 0, "no kill hit an entry"
    assert tally.states["scored"] > tally.teams > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", DATABASES)
def test_all_processes_of_a_contest_are_killed(
    contest_template: Contest, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    """In the end each file is one entry that has ended as it must, and each team's quota is used exactly."""
    contest = contest_template.copied(tmp_path / "contest")
    if database != POSTGRESQL:
        require_exact(kill_at_random(contest, _KILLS))
        return
    installed: Server = request.getfixturevalue("postgresql")
    with running_server(installed.binaries, fsync="on") as server:
        move_rows(contest.store_folder, server)
        require_exact(kill_at_random(contest, _KILLS, server=server))
