"""Organizers are told which entries have the content of an earlier one; teams are not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from runner.cli.main import run_words
from runner.competition.same_content import same_content
from runner.store.competition.records import Act
from tests.runner.contest.conftest import NAME, Contest

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def copied(contest: Contest) -> Contest:
    """Return a contest in which 1 is alpha's, 2 and 4 the same of beta and alpha, 3 another, 5 none."""
    contest.hand_in("alpha", "mine", code="SHIFT = 0.0")
    contest.sync(clock=lambda: NOON)
    contest.hand_in("beta", "found", code="SHIFT = 0.0")
    contest.hand_in("gamma", "other", code="SHIFT = 1.0")
    contest.sync(clock=lambda: NOON + timedelta(hours=1))
    contest.hand_in("alpha", "again", code="SHIFT = 0.0")
    (contest.inbox / "gamma" / "none.zip").write_text("no archive")
    contest.sync(clock=lambda: NOON + timedelta(hours=2))
    return contest


def viewed(contest: Contest, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    store = ["--store", str(contest.store_folder)]
    run_words(["competition", "view", str(contest.folder), "--phase", "feedback", *words, *store])
    return capsys.readouterr().out


def test_whose_file_an_entry_is_the_same_as(copied: Contest, capsys: pytest.CaptureFixture[str]) -> None:
    """With the team and the time of the first; in what a team sees there is nothing of it."""
    text = viewed(copied, capsys)
    assert "entry 2 of beta: the same as alpha's of 2026-11-30 12:00 UTC, entry 1" in text
    assert "entry 4 of alpha: the same as alpha's of 2026-11-30 12:00 UTC, entry 1" in text
    assert text.count("the same as") == 2
    same = json.loads(viewed(copied, capsys, "--json"))["same_content"]
    assert same == [{"entry": 2, "first": 1}, {"entry": 4, "first": 1}]
    assert "the same as" not in viewed(copied, capsys, "--as", "beta")
    assert "same_content" not in json.loads(viewed(copied, capsys, "--as", "beta", "--json"))


def test_judging_again_makes_no_copy(copied: Contest) -> None:
    """The new entry has the content of the one that it stands for, and is nobody's copy."""
    copied.work()
    with copied.store() as store:
        batch = store.begin_rejudging(NAME, [3], act=Act(who="me", act="rejudge", subject=""))
    copied.work()
    with copied.store() as store:
        store.apply_rejudging(NAME, batch, act=Act(who="me", act="rejudge", subject=""))
    pairs = [(entry.id, first.id) for entry, first in same_content(copied.entries())]
    assert pairs == [(2, 1), (4, 1)]
