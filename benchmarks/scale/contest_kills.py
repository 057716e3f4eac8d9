"""Kill web service, evaluating processes and database at random moments: nothing is lost, doubled or stuck.

``python -m benchmarks.scale.contest_kills --kills 100``: on PostgreSQL, whose server is killed too; with
``--sqlite`` on SQLite.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.runner.contest.conftest import Contest
from tests.support.databases.fixtures import move_rows
from tests.support.databases.server import binaries, running_server
from tests.support.kills.harness import Tally, kill_at_random


def play(kills: int, seed: int | None, *, sqlite: bool) -> Tally:
    """Play a contest in a temporary folder.

    Args:
        kills: Moments at which something is killed.
        seed: Of moments and victims.
        sqlite: Whether the rows are in SQLite, and not in a PostgreSQL server of their own.
    """
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(Path(folder) / "contest")
        if sqlite:
            return kill_at_random(contest, kills, seed=seed)
        installed = binaries()
        if installed is None:
            raise SystemExit("PostgreSQL is not installed; `make postgresql` installs Debian's")
        with running_server(installed, fsync="on") as server:
            move_rows(contest.store_folder, server)
            return kill_at_random(contest, kills, server=server, seed=seed)


def main() -> None:
    """Kill as often as requested, print the table, and end with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--sqlite", action="store_true")
    arguments = parser.parse_args()
    tally = play(arguments.kills, arguments.seed, sqlite=arguments.sqlite)
    table = Table("", "number")
    table.add_row("moments at which something was killed", str(tally.kills))
    for name, count in sorted(tally.victims.items()):
        table.add_row(f"killed: {name}", str(count))
    table.add_row("entries that were at work at these moments", str(tally.at_work))
    table.add_row("requests without an answer, repeated", str(tally.repeated))
    table.add_row("processes that ended because the database did", str(tally.ended_by_themselves))
    table.add_row("teams, each with its quota used", str(tally.teams))
    for state, count in sorted(tally.states.items()):
        table.add_row(f"entries: {state}", str(count))
    table.add_row("files refused for a quota", str(tally.refused))
    table.add_row("lost, doubled, stuck, or beyond a quota", str(len(tally.problems)))
    table.add_row("seconds", f"{tally.seconds:.0f}")
    table.add_row("load of the machine, over five minutes", f"{os.getloadavg()[1]:.1f}")
    Console().print(table)
    for problem in tally.problems:
        print(problem)
    raise SystemExit(1 if tally.problems else 0)


if __name__ == "__main__":
    main()
