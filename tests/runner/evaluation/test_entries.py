"""Entries of equal content share an evaluation, and each keeps its name."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.evaluation.batch import BatchResult, evaluate_all
from runner.evaluation.entries import HandIn, record_hand_ins, with_known_names
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.progress import NullReporter
from runner.results.summary import Summary
from runner.store.entries.records import Outcome
from runner.store.open_store import open_store
from runner.store.paths import archive_path
from runner.store.removal import remove_evaluation, restart_evaluation
from runner.submission.load import Submission
from tests.support.ended_evaluation import ARCHIVE, IMAGE, MINE, Ended, N, NoEngine

SETTINGS = Settings(n=N, keep_going=False, keep_checkpoints=True)


def hand_in(path: str, name: str = MINE.name) -> HandIn:
    return HandIn(path=Path(path), content=replace(MINE, name=name))


def run(ended: Ended, hand_ins: list[HandIn]) -> BatchResult:
    """Evaluate as the command does; no engine could execute a run."""
    context = EvaluationContext(
        engine=cast(Engine, NoEngine()),
        info=EngineInfo(),
        image=IMAGE,
        store=ended.store,
        folder=ended.folder,
        labels={},
        reporter=NullReporter(),
    )
    entries = record_hand_ins(
        ended.store,
        hand_ins,
        challenge=ended.challenge,
        n=N,
        evaluation_of=lambda each: evaluation_id_of(each, ended.challenge, IMAGE, SETTINGS),
    )
    return evaluate_all(
        hand_ins, entries, ended.store, lambda each: evaluate(context, each, ended.challenge, SETTINGS), print
    )


def test_equal_content_shares_an_evaluation(ended: Ended) -> None:
    """Each entry has its own name and path; the copy says whose content it has, and when that came."""
    alpha, dup = run(ended, [hand_in("in/alpha.zip", "alpha"), hand_in("in/dup.zip", "dup")]).results
    assert alpha.summary == dup.summary == ended.summary
    assert (alpha.to_json()["submission"], alpha.to_json()["same_as"]) == ("alpha", None)
    copy = {**dup.summary.to_json(), **dup.to_json()}
    assert (copy["submission"], copy["path"], copy["evaluation"]) == ("dup", "in/dup.zip", ended.name)
    assert copy["same_as"] == {
        "entry": alpha.entry.id,
        "submission": "alpha",
        "received": alpha.entry.received.isoformat(),
    }
    assert copy["submission_sha256"] == MINE.sha256
    assert [entry.outcome for entry in ended.store.entries_of(ended.name)] == [alpha.outcome] * 2


def test_a_copy_is_told_in_a_later_command(ended: Ended) -> None:
    """And a repeated command says when it was evaluated, and records nothing new."""
    (first,) = run(ended, [hand_in("in/alpha.zip", "alpha")]).results
    (again,) = run(ended, [hand_in("in/alpha.zip", "alpha")]).results
    (late,) = run(ended, [hand_in("late.zip", "late")]).results
    assert (again.entry.id, again.entry.received) == (first.entry.id, first.entry.received)
    assert again.evaluated_at == ended.store.last_run_ended(ended.name)
    assert again.same_as is None
    assert late.same_as == again.entry
    assert [entry.name for entry in ended.store.entries()] == ["alpha", "late"]


def test_an_evaluation_that_goes_on_is_no_repetition(ended: Ended) -> None:
    """Whoever reads the result sees it as new, under either name of the same command."""
    ended.sql("UPDATE evaluations SET summary = NULL")
    hand_ins = [hand_in("a.zip", "a"), hand_in("b.zip", "b")]
    entries = record_hand_ins(
        ended.store, hand_ins, challenge=ended.challenge, n=N, evaluation_of=lambda _each: ended.name
    )

    def execute(_submission: Submission) -> Summary:
        ended.sql("UPDATE runs SET ended = '2050-01-01 00:00:00.000000'")
        return ended.summary

    results = evaluate_all(hand_ins, entries, ended.store, execute, print).results
    assert [result.evaluated_at for result in results] == [None, None]


def test_the_outcome_is_recorded_with_the_end(ended: Ended) -> None:
    """In one transaction: a kill right after it leaves no entry without an outcome."""
    ended.sql("UPDATE evaluations SET summary = NULL")
    record_hand_ins(
        ended.store,
        [hand_in("a.zip")],
        challenge=ended.challenge,
        n=N,
        evaluation_of=lambda _each: ended.name,
    )
    ended.store.finish(ended.name, ended.summary.to_json(), outcome=ended.summary.outcome)
    assert [entry.outcome for entry in ended.store.entries()] == [Outcome.SCORED]


def test_an_evaluation_begins_again(ended: Ended) -> None:
    """Runs, result and files are gone; its entries, attempts and terms stay, and its outcome is open."""
    run(ended, [hand_in("a.zip", "a"), hand_in("b.zip", "b")])
    attempts, terms = ended.store.attempts(ended.name), ended.store.all_terms(ended.name)
    assert (ended.folder / ended.name).is_dir()
    assert restart_evaluation(ended.store, ended.folder, ended.name)
    stored = ended.store.evaluation(ended.name)
    assert (stored.summary, stored.manifest_sha256, stored.seconds) == (None, None, 0.0)
    assert ended.store.runs(ended.name) == []
    assert not (ended.folder / ended.name).exists()
    assert archive_path(ended.folder, MINE.sha256).is_file()
    assert [(each.name, each.outcome) for each in ended.store.entries()] == [("a", None), ("b", None)]
    assert (ended.store.attempts(ended.name), ended.store.all_terms(ended.name)) == (attempts, terms)


@pytest.mark.parametrize("is_known", [True, False])
def test_what_has_not_ended_does_not_begin_again(ended: Ended, is_known: bool) -> None:
    """The command that was interrupted continues it; nor is there anything to remove of one unknown."""
    ended.sql("UPDATE evaluations SET summary = NULL")
    assert not restart_evaluation(ended.store, ended.folder, ended.name if is_known else "0" * 12)
    assert len(ended.store.runs(ended.name)) == N
    assert (ended.folder / ended.name).is_dir()


def test_clean_removes_entries_with_their_evaluation(ended: Ended) -> None:
    """All that share it."""
    run(ended, [hand_in("a.zip", "a"), hand_in("b.zip", "b")])
    remove_evaluation(ended.store, ended.folder, ended.name)
    assert ended.store.entries() == []


@pytest.mark.parametrize("other_store", [False, True], ids=["same store", "other store"])
def test_stored_archives_are_named_as_they_were_handed_in(
    ended: Ended, tmp_path: Path, other_store: bool
) -> None:
    """By the store that is written, or else by the one in whose folder the archive lies."""
    run(ended, [hand_in("in/alpha.zip", "alpha")])
    archive = HandIn(path=archive_path(ended.folder, MINE.sha256), content=replace(MINE, name=MINE.sha256))
    target = tmp_path / "final" if other_store else ended.folder
    with closing(open_store(target, create=True)) as store:
        (named,) = with_known_names([archive], store)
    assert named == replace(archive, content=replace(MINE, name="alpha"))


def test_what_no_store_knows_keeps_its_name(ended: Ended, tmp_path: Path) -> None:
    """As does a file that has a name of its own, or another file's hash for its name."""
    assert hashlib.sha256(ARCHIVE).hexdigest() == MINE.sha256
    unknown = replace(MINE, sha256="e" * 64, name="e" * 64)
    hand_ins = [
        HandIn(path=tmp_path / "submissions" / f"{'e' * 64}.zip", content=unknown),
        hand_in("in/beta.zip", "beta"),
        HandIn(path=Path(f"{'d' * 64}.zip"), content=replace(MINE, name="d" * 64)),
    ]
    assert with_known_names(hand_ins, ended.store) == hand_ins
