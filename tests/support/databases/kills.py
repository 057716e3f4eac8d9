"""Kill processes that take and evaluate entries, and their database server, at random moments."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Final

from runner.competition.states import EntryState
from runner.errors import HostNotReadyError
from runner.results.summary import Summary
from runner.store.paths import archive_path
from runner.submission.load import Submission
from tests.runner.contest.conftest import TEAMS, Contest, Scripted
from tests.support.databases.server import Server
from tests.support.records import summary_of

FORK: Final = multiprocessing.get_context("fork")
KINDS: Final = (
    "worker",
    "worker",
    "server",
    "server",
    "both",
    "both",
    "server, at once back",
    "server, at once back",
)
AT_WORK: Final = (EntryState.RUNNING, EntryState.SCORING)
_WORK_SECONDS: Final = 20.0


@dataclass
class _Slow(Scripted):
    """Scores everything alike, after a moment that is long enough to be killed in."""

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        time.sleep(random.random() * 0.05)
        before_scoring()
        time.sleep(random.random() * 0.05)
        return summary_of(submission=submission.name, score=0.5)


@dataclass(kw_only=True)
class Tally:
    """What happened, and what is wrong."""

    kills: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    at_work: int = 0
    """Entries that were in the hands of a killed process."""
    host_errors: int = 0
    """Processes that ended because the server did."""
    entries: int = 0
    problems: list[str] = field(default_factory=list)


def kill_at_random(contest: Contest, server: Server, kills: int, seed: int | None = None) -> Tally:
    """Hand in a file of each team before each kill; work until all are evaluated; return what is wrong then.

    Args:
        contest: Whose rows are in a database of the server.
        server: That nothing else uses.
        kills: How many.
        seed: Of the moments.
    """
    contest.phase_fields().pop("quota", None)
    contest.write()
    contest.scripts["feedback"] = _Slow(contest.store_folder, contest.script().challenge)
    chance, tally = random.Random(seed), Tally()
    for number in range(kills):
        for team in TEAMS:
            contest.hand_in(team, f"{team}-{number}", code=f"# {team} {number}")
        kind = KINDS[number % len(KINDS)]
        processes = [FORK.Process(target=_work, args=(contest, takes)) for takes in (True, False)]
        for process in processes:
            process.start()
        if number % 2:  # in the middle of an evaluation; otherwise at any moment, the start included
            _wait_for_work(contest, processes)
            time.sleep(chance.random() * 0.1)
        else:
            time.sleep(chance.random() * 0.8)
        if kind.startswith("worker") or kind == "both":
            _kill(processes[0].pid)
        if kind != "worker":
            server.stop("immediate")
            if kind == "server":
                time.sleep(chance.random() * 0.3)
            server.start()
            time.sleep(chance.random() * 0.3)
        for process in processes:
            _kill(process.pid)
            process.join()
            tally.host_errors += process.exitcode == HostNotReadyError.exit_code
        tally.kills += 1
        tally.kinds[kind] += 1
        tally.at_work += len(contest.entries(states=AT_WORK))
    contest.sync()
    contest.work()
    _examine(contest, kills, tally)
    return tally


def _work(contest: Contest, takes: bool) -> None:
    try:
        if takes:
            contest.sync()
        contest.work()
    except HostNotReadyError as error:
        os._exit(error.exit_code)


def _wait_for_work(contest: Contest, processes: Sequence[BaseProcess]) -> None:
    """Wait until an entry is being evaluated; not for ever, because all may be done."""
    deadline = time.monotonic() + _WORK_SECONDS
    while time.monotonic() < deadline and any(process.is_alive() for process in processes):
        if contest.entries(states=AT_WORK):
            return
        time.sleep(0.01)


def _kill(pid: int | None) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid or 0, signal.SIGKILL)


def _examine(contest: Contest, kills: int, tally: Tally) -> None:
    entries = contest.entries()
    tally.entries = len(entries)
    for team, count in Counter(entry.team for entry in entries).items():
        if count != kills:
            tally.problems.append(f"{team} has {count} entries, not {kills}")
    if len({(entry.team, entry.file_name) for entry in entries}) != len(entries):
        tally.problems.append("an entry is there twice")
    for entry in entries:
        if entry.state is not EntryState.SCORED or entry.attempts:
            tally.problems.append(f"entry {entry.id} is {entry.state} after {entry.attempts} failed attempts")
        if not archive_path(contest.store_folder, entry.archive_sha256 or "").is_file():
            tally.problems.append(f"entry {entry.id} has no archive")
    if any(file.is_new for file in contest.sync()):
        tally.problems.append("a file was taken again")
