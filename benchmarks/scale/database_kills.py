"""Kill workers and their PostgreSQL server at random moments: nothing is lost, doubled or stuck.

``python -m benchmarks.scale.database_kills --kills 100``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.runner.contest.conftest import Contest
from tests.support.databases.fixtures import move_rows
from tests.support.databases.kills import kill_at_random
from tests.support.databases.server import binaries, running_server


def main() -> None:
    """Kill as often as requested and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    installed = binaries()
    if installed is None:
        raise SystemExit("PostgreSQL is not installed; `make postgresql` installs Debian's")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running_server(installed, fsync="on") as server:
        contest = Contest(Path(folder) / "contest")
        move_rows(contest.store_folder, server)
        tally = kill_at_random(contest, server, arguments.kills, arguments.seed)
    table = Table("", "number")
    for kind, count in tally.kinds.items():
        table.add_row(f"kills: {kind}", str(count))
    table.add_row("entries in the hands of a killed process", str(tally.at_work))
    table.add_row("processes that ended with exit code 3", str(tally.host_errors))
    table.add_row("entries", str(tally.entries))
    table.add_row("lost, doubled or stuck", str(len(tally.problems)))
    table.add_row("seconds", f"{time.monotonic() - begun:.0f}")
    Console().print(table)
    for problem in tally.problems:
        print(problem)
    raise SystemExit(1 if tally.problems else 0)


if __name__ == "__main__":
    main()
