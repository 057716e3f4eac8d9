"""What teams and the public may see of a final and of earlier pages, and what nobody may remove."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli.main import run_words
from runner.competition.states import EntryState
from runner.errors import ConfigurationError
from runner.store.competition.records import Act, NewCompetitionEntry
from runner.store.removal import remove_evaluation, restart_evaluation
from tests.runner.contest.conftest import NAME, Contest


@pytest.fixture
def judged(contest: Contest) -> Contest:
    """Return a contest in which alpha has a score, and the same entry waits in the final."""
    contest.stores = True
    contest.hand_in("alpha")
    contest.sync()
    contest.work()
    new = NewCompetitionEntry(
        competition=NAME,
        phase="final",
        team="alpha",
        file_name="mine.py",
        archive_sha256=contest.entries()[0].archive_sha256,
        bytes=1,
        challenge="final",
        idempotency_key="1",
        source=1,
    )
    with contest.store() as store:
        store.queue_entries(NAME, lambda: [new], act=Act(who="me", act="final", subject="final"))
    return contest


def typed(contest: Contest, command: str, *words: object) -> None:
    store = ["--store", str(contest.store_folder)]
    run_words(["competition", command, str(contest.folder), *map(str, words), *store])


@pytest.mark.parametrize("remove", [remove_evaluation, restart_evaluation])
def test_the_result_of_an_entry_is_not_removed(
    judged: Contest,
    remove: object,
) -> None:
    """Nor restarted; that of a withdrawn entry may be."""
    assert callable(remove)
    evaluation = judged.entries()[0].evaluation
    with judged.store() as store:
        with pytest.raises(ConfigurationError, match="the result of entry 1 of the competition Forgetting"):
            remove(store, judged.store_folder, evaluation)
        assert store.find_evaluation(evaluation or "") is not None
        store.move_entry(1, EntryState.WITHDRAWN, reason="by mail")
        remove(store, judged.store_folder, evaluation)


def test_a_team_sees_where_its_entries_of_a_final_are(
    judged: Contest, capsys: pytest.CaptureFixture[str]
) -> None:
    """State and place before, the state after; no result and no board."""
    typed(judged, "view", "--as", "alpha", "--phase", "final", "--json")
    view = json.loads(capsys.readouterr().out)
    assert view["board"] is view["quota"] is None
    assert [(each["entry"], each["state"], each["position"]) for each in view["entries"]] == [
        (2, "queued", 1)
    ]
    judged.work()
    typed(judged, "view", "--as", "alpha", "--phase", "final")
    out = capsys.readouterr().out
    assert "scored" in out
    assert "1 entry of alpha" in out
    assert "rank" not in out
    typed(judged, "view", "--as", "beta", "--phase", "final")
    assert "0 entries of beta" in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match="is a final"):
        typed(judged, "view", "--phase", "final")


def test_earlier_pages_are_pointed_out(
    judged: Contest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once scores are hidden, their pages are the organizer's to remove."""
    out = tmp_path / "public"
    typed(judged, "publish", out)
    judged.phase_fields()["leaderboard"] = {"shown": False}
    judged.write()
    capsys.readouterr()
    with pytest.raises(ConfigurationError, match="No leaderboard"):
        typed(judged, "publish", out)
    assert "still has earlier pages" in " ".join(capsys.readouterr().err.split())
