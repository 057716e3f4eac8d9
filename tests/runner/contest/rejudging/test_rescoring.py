"""Stored outputs are scored again beside the old results; nothing is executed, and both can be verified."""

from __future__ import annotations

import hashlib
import json

import pytest
from safetensors.numpy import save

from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.cli.main import run_words
from runner.competition.states import EntryState
from runner.contest.board import phase_board
from runner.contest.opened import open_contest
from runner.contest.rejudging.review import rejudged, selected_entries
from runner.contest.stored import stored_submission
from runner.errors import ConfigurationError, UnmetRequirementError
from runner.progress import NullReporter
from runner.results.rescore import rescore
from runner.results.verification import verify_evaluation
from runner.store.competition.records import Act
from runner.store.paths import EvaluationPaths
from scoring.card.version import SCORE_VERSION
from tests.runner.conftest import NETWORK
from tests.runner.contest.conftest import NAME, Contest
from tests.runner.leaderboard.stored import challenge_in

ACT = Act(who="me", act="rejudge start", subject="", reason="a new scorer")


@pytest.fixture
def judged(contest: Contest) -> Contest:
    """Return a contest in which alpha and beta have a score, and gamma failed."""
    for team, code in (("alpha", "SHIFT = 0.0"), ("beta", "SHIFT = 6.0"), ("gamma", "CRASH = 1")):
        contest.hand_in(team, team, code=code)
    contest.stores = True
    contest.sync()
    contest.work()
    contest.script().evaluated.clear()
    contest.opened.clear()
    return contest


def start(contest: Contest, *numbers: int) -> int:
    with open_contest(contest.folder, contest.store_folder) as opened:
        selected = selected_entries(opened, opened.phase("feedback"), numbers, rescore=True)
        return opened.store.begin_rejudging(NAME, selected, act=ACT, rescore=True)


def mismatches(contest: Contest, evaluation: str | None) -> list[str]:
    with contest.store() as store:
        challenge = load_challenge(contest.folder / "feedback")
        lines = verify_evaluation(store, contest.store_folder, evaluation or "", challenge).mismatches
    return [line for line in lines if not line.startswith("submissions/")]  # the scripted evaluator has none


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_outputs_are_scored_again_without_an_engine(judged: Contest) -> None:
    """Even where this host cannot evaluate the phase: new evaluations, with the same runs and scores."""
    batch = start(judged)
    judged.unusable["feedback"] = UnmetRequirementError("No GPU.")
    assert judged.work() == 2
    assert judged.opened == []
    assert judged.script().evaluated == []
    with open_contest(judged.folder, judged.store_folder) as opened:
        pairs = rejudged(opened, batch)
        assert [(pair.old.id, str(pair.new.state)) for pair in pairs] == [(1, "scored"), (2, "scored")]
        for pair in pairs:
            assert pair.new_score == pair.old_score is not None
            assert not pair.is_same_evaluation
            old, new = pair.old.evaluation or "", pair.new.evaluation or ""
            assert opened.store.runs(new) == opened.store.runs(old)
            first = EvaluationPaths(folder=judged.store_folder / old).outputs(0)
            second = EvaluationPaths(folder=judged.store_folder / new).outputs(0)
            assert first.samefile(second)
    with judged.store() as store:
        assert store.apply_rejudging(NAME, batch, act=ACT) == 2
    assert [str(entry.state) for entry in judged.entries()] == [
        *("superseded", "superseded", "failed", "scored", "scored")
    ]
    with open_contest(judged.folder, judged.store_folder) as opened:
        board = phase_board(opened, opened.phase("feedback"), NullReporter()).for_public()
        assert [(row.team, row.entry) for row in board.all_rows()] == [("alpha", 4), ("beta", 5)]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_card_is_made_anew_and_both_verify(judged: Contest) -> None:
    """The stand-in's card has no numbers; the new one has them all. What was known before stays as it was."""
    old = judged.entries()[0].evaluation or ""
    before = {file: file.read_bytes() for file in (judged.store_folder / old).iterdir() if file.is_file()}
    start(judged, 1)
    judged.work()
    new = judged.entries(with_pending=True)[-1].evaluation or ""
    card = json.loads(EvaluationPaths(folder=judged.store_folder / new).card.read_bytes())
    assert card["published"]["score"] is not None
    assert card["tug_of_war"] is not None
    assert mismatches(judged, new) == []
    assert all(file.read_bytes() == content for file, content in before.items())
    assert load_manifest(judged, new)["rescored"]["evaluation"] == old


def load_manifest(contest: Contest, evaluation: str) -> dict[str, dict[str, str]]:
    text = EvaluationPaths(folder=contest.store_folder / evaluation).manifest.read_bytes()
    value: dict[str, dict[str, str]] = json.loads(text)
    return value


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_other_references_give_other_scores(judged: Contest) -> None:
    """A challenge whose references were replaced: the runs stay, and verify finds them as they were."""
    challenge_in(judged.folder / "feedback", seed=7)
    batch = start(judged)
    assert judged.work() == 2
    with open_contest(judged.folder, judged.store_folder) as opened:
        pairs = rejudged(opened, batch)
    assert pairs[0].new_score != pairs[0].old_score
    assert mismatches(judged, pairs[0].new.evaluation) == []


def test_another_forget_set_is_refused(judged: Contest) -> None:
    """The runs would have been others: the entries are held with that sentence, and no verdict is given."""
    folder, name = judged.folder / "feedback", "public/original.safetensors"
    other = save({key: value + 1 for key, value in NETWORK.items()})
    old, new = (hashlib.sha256(content).hexdigest() for content in ((folder / name).read_bytes(), other))
    (folder / name).write_bytes(other)
    text = (folder / DESCRIPTION_FILE).read_text()
    (folder / DESCRIPTION_FILE).write_text(text.replace(old, new))
    start(judged)
    assert judged.work() == 2
    again = [entry for entry in judged.entries(with_pending=True) if entry.pending]
    assert {entry.state for entry in again} == {EntryState.HELD}
    assert f"{name} of" in (again[0].reason or "")
    assert "judge the entries again with --rerun" in (again[0].reason or "")
    assert judged.entries()[0].state is EntryState.SCORED


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_changed_outputs_hold_one_entry_and_no_other(judged: Contest) -> None:
    """It is held as a fault of ours; the others are scored."""
    batch = start(judged)
    first = EvaluationPaths(folder=judged.store_folder / (judged.entries()[0].evaluation or ""))
    first.outputs(3).write_bytes(b"changed")
    judged.work()
    with open_contest(judged.folder, judged.store_folder) as opened:
        (first_pair, second_pair) = rejudged(opened, batch)
    assert first_pair.new.state is EntryState.HELD
    assert "not the file that was recorded" in (first_pair.new.reason or "")
    assert second_pair.new.state is EntryState.SCORED
    assert first_pair.old.state is EntryState.SCORED


def test_another_version_of_the_score_rescores_nothing(judged: Contest) -> None:
    """Entries wait for a program of the version that the phase states; no attempt has failed."""
    start(judged)
    judged.phase_fields()["score_version"] = SCORE_VERSION + 1
    judged.write()
    assert judged.work() == 0
    again = [entry for entry in judged.entries(with_pending=True) if entry.pending]
    assert {(entry.state, entry.attempts) for entry in again} == {(EntryState.QUEUED, 0)}
    assert any(f"by version {SCORE_VERSION + 1} of the score" in line for line in judged.reports)


def test_what_has_no_outputs_is_not_scored_again(judged: Contest) -> None:
    """An entry with a failed run is left out, and refused where it is named."""
    with pytest.raises(ConfigurationError, match="--rerun executes it again"):
        start(judged, 3)
    start(judged)
    assert [entry.source for entry in judged.entries(with_pending=True) if entry.pending] == [1, 2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_repeated_it_reads_what_it_has_recorded(judged: Contest) -> None:
    """As after a kill between the two: the entry waits again, and its evaluation has ended."""
    start(judged, 1)
    judged.work()
    new = judged.entries(with_pending=True)[-1]
    file = EvaluationPaths(folder=judged.store_folder / (new.evaluation or "")).manifest
    before = (file.stat().st_mtime_ns, file.read_bytes())
    with judged.store() as store:
        store.cancel_rejudging(NAME, 1, act=ACT)
    with judged.store() as store:
        rescore(
            store,
            judged.store_folder,
            new.rescores or "",
            submission=stored_submission(judged.store_folder, new),
            challenge=load_challenge(judged.folder / "feedback"),
            number=1,
        )
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_shows_what_was_scored_again(judged: Contest, capsys: pytest.CaptureFixture[str]) -> None:
    """The audit has which of the two it was; ``show`` that nothing was executed."""

    def typed(command: str, *words: str) -> str:
        capsys.readouterr()
        store = ["--store", str(judged.store_folder)]
        run_words(["competition", *command.split(), str(judged.folder), *words, *store])
        return capsys.readouterr().out

    assert "2 entries queued" in typed(
        "rejudge start", "--phase", "feedback", "--rescore", "--reason", "a new scorer"
    )
    judged.work()
    assert "2 entries, scored again from stored outputs" in typed("rejudge show", "1")
    with judged.store() as store:
        assert store.audit(NAME)[-1].reason == "rescore: a new scorer"
