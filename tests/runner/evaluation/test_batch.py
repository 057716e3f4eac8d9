"""A sandbox lost on one entry, or a file that is refused, does not end the others."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.errors import HostNotReadyError, RunnerError, SandboxLostError
from runner.evaluation.batch import BatchResult, evaluate_all, record_refused
from runner.evaluation.entries import HandIn, record_hand_ins
from runner.reports.entries import named_summaries
from runner.reports.scores import score_table, summary_json
from runner.results.entry_result import EntryResult
from runner.results.summary import Summary
from runner.store.entries.records import Outcome
from runner.store.store import Store
from runner.submission.load import RefusedSubmission, Submission
from tests.runner.conftest import ChallengeFolder
from tests.support.records import summary_of

BROKEN = HandIn(
    path=Path("in/broken.zip"),
    content=RefusedSubmission(name="broken", reason="It is no zip.", sha256="0" * 64),
)
HAND_INS = [
    HandIn(path=Path(f"in/{name}.zip"), content=Submission(name=name, sha256=name * 64, archive=b""))
    for name in "abc"
]


@pytest.fixture
def challenge(challenge_folder: ChallengeFolder) -> Challenge:
    return load_challenge(challenge_folder.describe())


@pytest.fixture
def store() -> Iterator[Store]:
    with closing(Store("sqlite://")) as opened:
        yield opened


def failing_on_b(error: RunnerError) -> Callable[[Submission], Summary]:
    """Return an evaluate function that raises ``error`` for submission b; c fails."""

    def evaluate(submission: Submission) -> Summary:
        if submission.name == "b":
            raise error
        return summary_of(submission=submission.name, score=None if submission.name == "c" else 0.5)

    return evaluate


@pytest.fixture
def run(store: Store, challenge: Challenge) -> Callable[..., BatchResult]:
    def evaluate(hand_ins: list[HandIn], error: RunnerError, reported: list[str]) -> BatchResult:
        entries = record_hand_ins(
            store, hand_ins, challenge=challenge, n=4, evaluation_of=lambda each: each.sha256[:12]
        )
        return evaluate_all(hand_ins, entries, store, failing_on_b(error), reported.append)

    return evaluate


def test_the_others_are_evaluated(store: Store, run: Callable[..., BatchResult]) -> None:
    """Results are in the order of the command, each with its outcome; what is held and why is reported."""
    reported: list[str] = []
    hand_ins = [HAND_INS[0], BROKEN, *HAND_INS[1:]]
    result = run(hand_ins, SandboxLostError("It went away."), reported)
    expected = {"a": "scored", "broken": "refused", "b": "held", "c": "failed"}
    assert {each.entry.name: each.outcome for each in result.results} == expected
    assert list(expected) == [each.entry.name for each in result.results]
    assert reported == ["b: It went away."]
    assert result.lost is not None
    assert result.lost.exit_code == 4
    assert {entry.name: entry.outcome for entry in store.entries()} == expected
    assert {entry.name: entry.reason for entry in store.entries() if entry.reason} == {
        "broken": "It is no zip.",
        "b": "It went away.",
    }


def test_every_path_is_recorded_before_the_first_is_evaluated(
    store: Store, run: Callable[..., BatchResult]
) -> None:
    """A host that is not ready ends the batch: the rest has no outcome, and keeps its entries when repeated."""
    with pytest.raises(HostNotReadyError, match="disk"):
        run(HAND_INS, HostNotReadyError("The disk is full."), [])
    assert [(entry.name, entry.outcome) for entry in store.entries()] == [
        ("a", Outcome.SCORED),
        ("b", None),
        ("c", None),
    ]
    run(HAND_INS, SandboxLostError("It went away."), [])
    assert [entry.outcome for entry in store.entries()] == [Outcome.SCORED, Outcome.HELD, Outcome.FAILED]


def test_json_has_the_fields_of_summary_and_entry(run: Callable[..., BatchResult]) -> None:
    """The same ones for every outcome, and the path as typed."""
    result = run([*HAND_INS, BROKEN], SandboxLostError("It went away."), [])
    objects = [{**each.summary.to_json(), **each.to_json()} for each in result.results]
    assert [each["path"] for each in objects] == ["in/a.zip", "in/b.zip", "in/c.zip", "in/broken.zip"]
    assert [each["submission_sha256"][:1] for each in objects] == ["a", "b", "c", "0"]
    for each in objects:
        assert {"schema_version", "entry", "received", "outcome", "same_as", "evaluated"} <= set(each)
        assert each["received"].endswith("+00:00")
    assert (
        objects[3] | {"entry": 4, "refused": True, "evaluation": "", "reason": "It is no zip."} == objects[3]
    )
    assert objects[1] | {"outcome": "held", "score": None, "held": True, "refused": False} == objects[1]


def test_the_status_says_what_is_held(run: Callable[..., BatchResult]) -> None:
    """In the table and in JSON it is no failure, as it is none in the counts."""
    result = run([*HAND_INS, BROKEN], SandboxLostError("It went away."), [])
    statuses = ["smoke-test", "held", "failed", "refused"]
    assert [summary_json(each.summary)["status"] for each in result.results] == statuses
    assert [each.summary.outcome for each in result.results] == [each.outcome for each in result.results]
    table = Console(file=io.StringIO(), width=200)
    table.print(score_table(named_summaries(result.results), 200))
    assert isinstance(table.file, io.StringIO)
    rows = [line.split() for line in table.file.getvalue().splitlines()]
    assert [row[1] for row in rows if row and row[0] == "b"] == ["held"]
    assert result.results[1].summary.reason == "held, the same command evaluates it again: It went away."


def test_entries_that_are_refused_need_no_engine(store: Store, challenge: Challenge) -> None:
    """They are recorded like any other; a path that is absolute needs no folder."""
    absolute = HandIn(path=Path("/srv/in/empty"), content=RefusedSubmission(name="empty", reason="Nothing."))
    results = record_refused(store, [BROKEN, absolute], challenge=challenge, n=4)
    assert [result.outcome for result in results] == [Outcome.REFUSED] * 2
    broken, empty = store.entries()
    assert (broken.folder, empty.folder) == (str(Path.cwd()), None)
    assert (broken.path, empty.path) == ("in/broken.zip", "/srv/in/empty")
    assert (broken.content_sha256, empty.content_sha256) == ("0" * 64, None)


def test_refused_entries_are_those_of_the_command_that_goes_on(store: Store, challenge: Challenge) -> None:
    """They are recorded before the host is ready, and are the same entries when the others are recorded."""
    record_refused(store, [BROKEN], challenge=challenge, n=4, command="typed")
    entries = record_hand_ins(
        store,
        [HAND_INS[0], BROKEN],
        challenge=challenge,
        n=4,
        evaluation_of=lambda each: each.sha256[:12],
        command="typed",
    )
    assert [(entry.id, entry.name, entry.command) for entry in entries] == [
        (2, "a", "typed"),
        (1, "broken", "typed"),
    ]


def test_each_result_is_shown_as_soon_as_it_is_there(store: Store, challenge: Challenge) -> None:
    """Before the next one is evaluated; also what is refused or held."""
    hand_ins = [HAND_INS[0], BROKEN, *HAND_INS[1:]]
    happened: list[str] = []
    fail = failing_on_b(SandboxLostError("It went away."))

    def evaluate(submission: Submission) -> Summary:
        happened.append(f"evaluate {submission.name}")
        return fail(submission)

    entries = record_hand_ins(
        store, hand_ins, challenge=challenge, n=4, evaluation_of=lambda each: each.sha256[:12]
    )
    show: Callable[[EntryResult], None] = lambda each: happened.append(f"{each.entry.name} {each.outcome}")  # noqa: E731
    evaluate_all(hand_ins, entries, store, evaluate, lambda _sentence: None, show_ended=show)
    assert happened == [
        *("evaluate a", "a scored", "broken refused", "evaluate b", "b held", "evaluate c", "c failed")
    ]
