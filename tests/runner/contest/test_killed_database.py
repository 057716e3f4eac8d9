"""Workers and the database server are killed at random moments: nothing is lost, doubled or stuck."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.contest.conftest import Contest
from tests.support.databases.fixtures import move_rows
from tests.support.databases.kills import kill_at_random
from tests.support.databases.server import Server, running_server


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_workers_and_the_server_are_killed(
    contest_template: Contest, postgresql: Server, tmp_path: Path, kills: int
) -> None:
    """In the end each file is one entry, scored, with its archive, and each act was recorded once."""
    contest = contest_template.copied(tmp_path / "contest")
    with running_server(postgresql.binaries) as server:
        move_rows(contest.store_folder, server)
        tally = kill_at_random(contest, server, kills)
    assert tally.problems == []
    assert tally.kills == kills
    assert tally.at_work > 0 or kills < 100, "no kill hit an evaluation"
    assert tally.entries == kills * 3
