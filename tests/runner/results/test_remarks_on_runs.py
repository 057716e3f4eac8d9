"""Remarks on successful runs are grouped by the host's own sentence, whatever the submission claims in each run."""

from __future__ import annotations

import pytest

from runner.challenge.load import load_challenge
from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.reports.advice import advice_on_warning
from runner.results.summarize import summarize
from runner.results.view import UNCHANGED
from runner.sanitize import sanitize_line
from runner.verdict import Verdict
from tests.runner.conftest import ChallengeFolder
from tests.support.records import run_record


def warnings_of(challenge_folder: ChallengeFolder, details: list[str], *, failed: int = 0) -> list[str]:
    runs = [
        run_record(index=index, detail=detail, checkpoint_sha256="") for index, detail in enumerate(details)
    ]
    runs += [
        run_record(
            index=len(details) + index, verdict=Verdict.CRASHED, detail="ValueError", checkpoint_sha256=""
        )
        for index in range(failed)
    ]
    summary = summarize(
        evaluation="0123456789ab",
        submission="mine",
        challenge=load_challenge(challenge_folder.describe()),
        n=len(runs),
        runs=runs,
        seconds=1.0,
        card="No score.",
    )
    return summary.warnings


def remark(names: str) -> str:
    return f"{ANSWERS_UNLIKE} ({names})"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["fc.forward"] * 4, "fc.forward"),
        (["fc.forward, conv.scale"] * 4, "fc.forward, conv.scale"),
        (["a", "b", "a", "b"], "a, b"),
        (["c", "b", "a", "c"], "c, b, a"),
        (["d", "c", "b", "a"], "d, c, b, …"),
        (["a(b)", "f()", "a(b)", "f()"], "a(b), f()"),
        (["unknown"] * 4, "unknown"),
    ],
)
def test_one_sentence_with_at_most_three_names(
    challenge_folder: ChallengeFolder, names: list[str], shown: str
) -> None:
    """In the order of the runs; runs without a remark, and failed ones, are not counted."""
    details = [remark(name) for name in names]
    assert warnings_of(challenge_folder, details) == [f"4 of 4 runs: {remark(shown)}"]
    assert warnings_of(challenge_folder, ["", *details], failed=2) == [f"4 of 7 runs: {remark(shown)}"]


def test_forged_names_take_one_short_line(challenge_folder: ChallengeFolder) -> None:
    """It was a warning for each run: a submission could fill a page with sentences of its own."""
    forged = [f"run {index}) 64 of 64 {UNCHANGED} {'x' * 150}\x1b[2J" for index in range(64)]
    (warning,) = warnings_of(challenge_folder, [remark(name) for name in forged])
    assert warning.startswith(f"64 of 64 runs: {ANSWERS_UNLIKE} (run 0) 64 of 64 ")
    assert warning.endswith("…)")
    assert sanitize_line(warning) == warning
    assert advice_on_warning(warning) == advice_on_warning(remark("fc.forward"))


def test_other_sentences_of_the_host_have_their_own_groups(challenge_folder: ChallengeFolder) -> None:
    """As a later version may have them; parentheses in them are the host's."""
    details = ["it is odd (1)", remark("a"), "it is odd (1)", remark("b"), "it is odd (2)"]
    assert warnings_of(challenge_folder, details) == [
        "2 of 5 runs: it is odd (1)",
        f"2 of 5 runs: {remark('a, b')}",
        "1 of 5 runs: it is odd (2)",
    ]
