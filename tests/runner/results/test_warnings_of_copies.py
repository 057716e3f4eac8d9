"""Equal checkpoints are warned of in one sentence for each number of them, however many submissions have them."""

from __future__ import annotations

import pytest

from runner.challenge.load import load_challenge
from runner.results.summarize import summarize
from runner.results.summary import OTHER_SUBMISSION, Summary
from runner.store.records import CopiedCheckpoints
from tests.runner.conftest import ChallengeFolder
from tests.support.records import run_record

DIGESTS = ["1" * 64, "2" * 64]


def warned(challenge_folder: ChallengeFolder, copies: list[CopiedCheckpoints]) -> Summary:
    runs = [run_record(index=index, checkpoint_sha256=digest) for index, digest in enumerate(DIGESTS)]
    return summarize(
        evaluation="0123456789ab",
        submission="mine",
        challenge=load_challenge(challenge_folder.describe()),
        n=2,
        runs=runs,
        seconds=1.0,
        card="No score.",
        copies=lambda digests: copies if digests == set(DIGESTS) else [],
    )


def copy(index: int, equal: int) -> CopiedCheckpoints:
    return CopiedCheckpoints(
        evaluation=f"{index:012x}", submission=f"s{index}", digests=frozenset(DIGESTS[:equal])
    )


def test_nobody_is_warned_without_copies(challenge_folder: ChallengeFolder) -> None:
    """No sentence, and no evaluation is named."""
    summary = warned(challenge_folder, [])
    assert (summary.warnings, summary.equal_evaluations) == ([], [])


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, "s0 (evaluation 000000000000)"),
        (2, "s0 (evaluation 000000000000), s1 (evaluation 000000000001)"),
        (
            50,
            "s0 (evaluation 000000000000), s1 (evaluation 000000000001), s2 (evaluation 000000000002) and 47 more",
        ),
    ],
)
def test_one_sentence_for_a_group(challenge_folder: ChallengeFolder, count: int, names: str) -> None:
    """It names the first, and says how many more there are; the summary lists all evaluations."""
    summary = warned(challenge_folder, [copy(index, 2) for index in range(count)])
    assert summary.warnings == [f"2 of 2 checkpoints equal those of {OTHER_SUBMISSION} {names}"]
    assert summary.equal_evaluations == [f"{index:012x}" for index in range(count)]


def test_those_with_fewer_equal_checkpoints_are_another_group(challenge_folder: ChallengeFolder) -> None:
    """With a number of its own; each sentence is one that participants do not see."""
    summary = warned(challenge_folder, [copy(0, 2), copy(1, 1), copy(2, 2)])
    assert [text.split(" ", maxsplit=1)[0] for text in summary.warnings] == ["2", "1"]
    assert all(OTHER_SUBMISSION in text for text in summary.warnings)
