"""Measure how many runs a second several processes publish into one store, each run in a call of its own.

Each process has the lease of an evaluation and publishes its runs one after the other, fenced by the lease's
token, as the processes of several devices do. With ``--postgresql`` the rows are in a server of its own,
which flushes each commit to the disk. At the end every run has to be there once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import closing, nullcontext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

from benchmarks.scale.simulated_contest import CHALLENGE, HASH, fake_run
from runner.store.lease import evaluation_lease
from runner.store.open_store import open_store
from runner.store.records import EvaluationRecord
from tests.support.databases.server import binaries, running_server

MIN_A_SECOND: Final = 200.0
_SPAWN: Final = multiprocessing.get_context("spawn")


def publish(folder: Path, name: str, runs: int, start: Barrier, end: Barrier) -> None:
    """Publish the runs of an evaluation, once all processes are ready."""
    with closing(open_store(folder, create=False)) as store:
        store.begin(
            EvaluationRecord(
                id=name,
                submission_sha256=HASH,
                submission="s",
                archive_bytes=0,
                challenge=CHALLENGE,
                challenge_sha256=HASH,
                image=HASH,
                n=runs,
                challenge_folder=None,
            )
        )
        with evaluation_lease(store.database, folder, name) as lease:
            attempt = store.begin_attempt(name, token=lease.token)
            start.wait()
            for index in range(runs):
                store.publish(name, fake_run(index, attempt), token=lease.token)
            end.wait()


def measure(folder: Path, clients: int, runs: int) -> dict[str, Any]:
    """Publish from so many processes at once, and count what is in the store then."""
    start, end = _SPAWN.Barrier(clients + 1), _SPAWN.Barrier(clients + 1)
    names = [f"{clients:02d}-{number:02d}" for number in range(clients)]
    processes = [_SPAWN.Process(target=publish, args=(folder, name, runs, start, end)) for name in names]
    for process in processes:
        process.start()
    start.wait()
    began = time.monotonic()
    end.wait()
    seconds = time.monotonic() - began
    for process in processes:
        process.join()
    with closing(open_store(folder, create=False)) as store:
        rows = [len(store.runs(name)) for name in names]
    return {
        "clients": clients,
        "runs": clients * runs,
        "missing": sum(runs - number for number in rows),
        "a_second": round(clients * runs / seconds),
    }


def main() -> None:
    """Measure with one client and with several; end with 1 where runs are missing or it is too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--runs", type=int, default=500, help="Of each client.")
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    installed = binaries()
    if options.postgresql and installed is None:
        raise SystemExit("PostgreSQL is not installed; `make postgresql` installs Debian's")
    server = running_server(installed, fsync="on") if options.postgresql and installed else nullcontext()
    with tempfile.TemporaryDirectory(prefix="unlearn-publishing-") as name, server as database:
        folder = Path(name) / "store"
        folder.mkdir()
        if database is not None:
            database.prepare(folder)
        with closing(open_store(folder, create=True)) as store:
            what = store.database.description.partition(",")[0]
        results = [measure(folder, clients, options.runs) for clients in (1, options.clients)]
    print(json.dumps({"database": what, "results": results, "load": round(os.getloadavg()[0], 1)}, indent=2))
    if any(result["missing"] for result in results) or results[-1]["a_second"] < MIN_A_SECOND:
        sys.exit(1)


if __name__ == "__main__":
    main()
