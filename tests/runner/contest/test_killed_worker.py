"""Processes that take and evaluate entries are killed at random moments: nothing is lost, doubled or stuck."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from runner.competition.states import EntryState
from runner.results.summary import Summary
from runner.store.paths import archive_path
from runner.submission.load import Submission
from tests.runner.contest.conftest import TEAMS, Contest, Scripted
from tests.support.records import summary_of

MANY: Final = 100
FORK: Final = multiprocessing.get_context("fork")


@dataclass
class Slow(Scripted):
    """Scores everything alike, after a moment that is long enough to be killed in."""

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        time.sleep(random.random() * 0.05)
        before_scoring()
        time.sleep(random.random() * 0.05)
        return summary_of(submission=submission.name, score=0.5)


def take_and_work(contest: Contest) -> None:
    contest.sync()
    contest.work()


@pytest.mark.parametrize("kills", [6, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_processes_are_killed(contest: Contest, kills: int) -> None:
    """Two at once, killed at any moment: in the end each file is one entry, scored, with its archive."""
    quota = kills - 1
    contest.phase_fields()["quota"] = {"total": quota}
    contest.write()
    contest.scripts["feedback"] = Slow(contest.store_folder, contest.script().challenge)
    interrupted = 0
    for number in range(kills):
        for team in TEAMS:
            contest.hand_in(team, f"{team}-{number}", code=f"# {team} {number}")
        processes = [FORK.Process(target=target, args=(contest,)) for target in (take_and_work, Contest.work)]
        for process in processes:
            process.start()
        time.sleep(random.random() * 0.8)
        for process in processes:
            process.kill()
            process.join()
        interrupted += len(contest.entries(states=[EntryState.RUNNING, EntryState.SCORING]))
    take_and_work(contest)
    assert interrupted > 0 or kills < MANY
    entries = contest.entries()
    assert Counter(entry.team for entry in entries) == dict.fromkeys(TEAMS, quota)
    assert {(entry.state, entry.attempts) for entry in entries} == {(EntryState.SCORED, 0)}
    assert len({(entry.team, entry.file_name) for entry in entries}) == len(entries)
    assert all(archive_path(contest.store_folder, entry.archive_sha256 or "").is_file() for entry in entries)
    assert all(not file.is_new for file in contest.sync())
