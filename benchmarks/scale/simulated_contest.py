"""Simulate a contest: 1,200 teams, 512 runs each, on 64 devices that take no time.

Teams hand in through the quota, workers choose entries in the order of the queue and take their leases, and
each run is published and marked as evaluated under its lease's token: the real store, queue and policies, in
one process, as a command with 64 devices has them. Nothing is executed and no file of a run is written: what
is measured is the time that rows and decisions take. At the end every run has to be there once.

With ``--postgresql`` the rows are in a server of its own, which flushes each commit to the disk.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import tomli_w
from sqlalchemy import func, select

from runner.competition.competition import COMPETITION_FILE, Competition
from runner.competition.intake import intake
from runner.competition.load import load_competition
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.budget import Budget
from runner.contest.evaluator import EntryEvaluator
from runner.contest.worker import Worker
from runner.devices.threads import work_on_each
from runner.results.summary import Summary
from runner.store.competition.records import NewCompetitionEntry
from runner.store.lease import evaluation_lease
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.paths import store_archive
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.schema import RunRow
from runner.store.store import Store
from runner.submission.load import Submission, load_submission
from runner.verdict import Verdict
from tests.support.databases.server import binaries, running_server

NAME: Final = "simulated"
CHALLENGE: Final = "challenge"
MAX_SECONDS: Final = 600.0
HASH: Final = "0" * 64


@dataclass
class FakeDevice:
    """A device whose runs end at once (`runner.contest.evaluator.EntryEvaluator`)."""

    store: Store
    folder: Path
    runs: int
    executed: collections.Counter[tuple[str, int]] = field(default_factory=collections.Counter)
    evaluated: list[str] = field(default_factory=list)

    def evaluation(self, submission: Submission) -> str:
        """Return the name of a submission's evaluation."""
        return submission.sha256[:12]

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        """Write the rows that an evaluation writes."""
        name, store = self.evaluation(submission), self.store
        with evaluation_lease(store.database, self.folder, name) as lease:
            store.begin(
                EvaluationRecord(
                    id=name,
                    submission_sha256=submission.sha256,
                    submission=submission.name,
                    archive_bytes=len(submission.archive),
                    challenge=CHALLENGE,
                    challenge_sha256=HASH,
                    image=HASH,
                    n=self.runs,
                    challenge_folder=None,
                )
            )
            store.agree(name, "", {"wall_seconds": 60.0})
            attempt = store.begin_attempt(name, token=lease.token)
            for index in range(self.runs):
                lease.raise_if_lost()
                store.publish(name, fake_run(index, attempt), token=lease.token)
                store.mark_evaluated(name, index, outputs_sha256=HASH, token=lease.token)
                self.executed[name, index] += 1
            store.end_attempt(name, attempt, "done")
            seconds = store.add_seconds(name, 1.0 * self.runs)
            before_scoring()
            runs = store.runs(name)
            summary = Summary(
                evaluation=name,
                submission=submission.name,
                challenge=CHALLENGE,
                n=self.runs,
                verdicts={"ok": len(runs)},
                score=0.5,
                seconds=seconds,
            )
            store.finish(
                name, summary.to_json(), manifest_sha256=HASH, outcome=summary.outcome, token=lease.token
            )
        self.evaluated.append(name)
        return summary

    def interrupt(self) -> None:
        """Do nothing: Ctrl-C ends the process."""

    def kill(self) -> None:
        """Do nothing."""


def fake_run(index: int, attempt: int) -> RunRecord:
    """Return a run of an attempt that has ended well."""
    return RunRecord(
        index=index,
        seed=index,
        attempt=attempt,
        verdict=Verdict.OK,
        detail="",
        host_seconds=1.0,
        run_seconds=1.0,
        checkpoint_sha256=f"{index:064x}",
        log_bytes_dropped=0,
    )


def write_competition(folder: Path, runs: int) -> Competition:
    """Write a competition of one phase, and return it."""
    fields: dict[str, Any] = {
        "schema_version": 1,
        "name": NAME,
        "time_zone": "UTC",
        "phases": [
            {
                "name": "feedback",
                "kind": "feedback",
                "challenges": [CHALLENGE],
                "opens": datetime(2020, 1, 1),  # noqa: DTZ001 - in the competition's zone
                "closes": datetime(2100, 1, 1),  # noqa: DTZ001 - as above
                "runs": runs,
                "quota": {"per_day": 5},
            }
        ],
    }
    (folder / COMPETITION_FILE).write_text(tomli_w.dumps(fields))
    return load_competition(folder)


def hand_in(store: Store, folder: Path, competition: Competition, team: str) -> None:
    """Add a team and take its entry, as the command that takes files does."""
    store.add_team(NAME, team, token_sha256=None, who="benchmark")
    file = folder / f"{team}.py"
    file.write_text(f"def unlearning(net, retain, forget, val):  # {team}\n    return net\n")
    submission = load_submission(file)
    file.unlink()
    store_archive(folder, submission.archive, sha256=submission.sha256)
    phase = competition.phase("feedback")
    taken = store.take_entry(
        NewCompetitionEntry(
            competition=NAME,
            phase=phase.name,
            team=team,
            file_name=f"{team}.py",
            archive_sha256=submission.sha256,
            bytes=len(submission.archive),
            challenge=CHALLENGE,
        ),
        partial(intake, competition, phase),
        steps=(EntryState.CHECKING, EntryState.QUEUED),
        clock=lambda: datetime.now(UTC),
    )
    assert taken.entry is not None


def simulate(folder: Path, *, teams: int, runs: int, devices: int) -> dict[str, Any]:
    """Simulate a contest in a folder; return what it took, and what was lost or doubled."""
    competition = write_competition(folder, runs)
    with closing(open_store(folder / "store", create=True)) as store:
        (folder / "store" / "submissions").mkdir(exist_ok=True)
        began = time.monotonic()
        for number in range(teams):
            hand_in(store, folder / "store", competition, f"team-{number:04d}")
        taken = time.monotonic()
        turn, budget = threading.Lock(), Budget()
        fakes = [FakeDevice(store, folder / "store", runs) for _number in range(devices)]
        failures: list[BaseException] = []

        def work(fake: FakeDevice) -> None:
            @contextmanager
            def open_evaluator(_phase: Phase, _challenge: str) -> Iterator[EntryEvaluator]:
                yield fake

            try:
                Worker(
                    store=store,
                    folder=folder / "store",
                    competition_folder=folder,
                    competition=competition,
                    open_evaluator=open_evaluator,
                    report=lambda _line: None,
                    turn=turn,
                    budget=budget,
                ).work()
            except BaseException as error:  # noqa: BLE001 - it is raised below
                failures.append(error)

        work_on_each(fakes, work, stop=budget.close)
        ended = time.monotonic()
        if failures:
            raise failures[0]
        with store.database.reading() as session:
            rows = session.scalar(select(func.count()).select_from(RunRow).where(RunRow.evaluated)) or 0
        entries = store.competition_entries(NAME)
        executed: collections.Counter[tuple[str, int]] = collections.Counter()
        for fake in fakes:
            executed.update(fake.executed)
    return {
        "teams": teams,
        "runs": runs,
        "devices": devices,
        "rows": rows,
        "hand_in_seconds": round(taken - began, 1),
        "evaluate_seconds": round(ended - taken, 1),
        "seconds": round(ended - began, 1),
        "writes_a_second": round(2 * rows / (ended - taken)),
        "processor_seconds": round(time.process_time(), 1),
        "lost": teams * runs - rows + sum(entry.state is not EntryState.SCORED for entry in entries),
        "doubled": sum(count - 1 for count in executed.values()) + (len(entries) - teams),
        "most_of_one_device": max(len(fake.evaluated) for fake in fakes),
        "database_bytes": sum(file.stat().st_size for file in (folder / "store").glob(f"{DATABASE_FILE}*")),
    }


def main() -> None:
    """Simulate, print what it took as JSON, and end with 1 where something is lost, doubled or too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=1200)
    parser.add_argument("--runs", type=int, default=512)
    parser.add_argument("--devices", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="Where the store is made; kept. A new one otherwise.")
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    installed = binaries()
    if options.postgresql and installed is None:
        raise SystemExit("PostgreSQL is not installed; `make postgresql` installs Debian's")
    folder = options.folder or Path(tempfile.mkdtemp(prefix="unlearn-simulated-"))
    server = running_server(installed, fsync="on") if options.postgresql and installed else nullcontext()
    try:
        (folder / "store").mkdir(parents=True, exist_ok=True)
        with server as database:
            if database is not None:
                database.prepare(folder / "store")
            result = simulate(folder, teams=options.teams, runs=options.runs, devices=options.devices)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    result["load_of_the_machine"] = round(os.getloadavg()[1], 1)
    print(json.dumps(result, indent=2))
    if result["lost"] or result["doubled"] or result["seconds"] > MAX_SECONDS:
        sys.exit(1)


if __name__ == "__main__":
    main()
