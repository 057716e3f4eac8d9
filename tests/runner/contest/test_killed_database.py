"""Workers and the database server are killed a few times: nothing is lost, doubled or stuck.

`test_killed_contest` kills the web service too, in processes as the commands start them, and takes longer.
"""

from __future__ import annotations

from pathlib import Path

from tests.runner.contest.conftest import Contest
from tests.support.databases.fixtures import move_rows
from tests.support.databases.kills import kill_at_random
from tests.support.databases.server import Server, running_server

KILLS = 4


def test_workers_and_the_server_are_killed(
    contest_template: Contest, postgresql: Server, tmp_path: Path
) -> None:
    """In the end each file is one entry, scored, with its archive, and each act was recorded once."""
    contest = contest_template.copied(tmp_path / "contest")
    with running_server(postgresql.binaries) as server:
        move_rows(contest.store_folder, server)
        tally = kill_at_random(contest, server, KILLS)
    assert tally.problems == []
    assert tally.kills == KILLS
    assert tally.entries == KILLS * 3
