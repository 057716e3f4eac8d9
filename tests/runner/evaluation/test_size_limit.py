"""A challenge limits how large a submission may be; a larger one is refused, and the others are evaluated."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.evaluation.entries import read_hand_in
from runner.submission.load import RefusedSubmission, Submission, load_submission
from tests.runner.conftest import ChallengeFolder
from tests.support.command import type_command
from tests.support.untrusted.archives import CODE, zipped
from tests.support.untrusted.submission_files import write_submission


def test_a_submission_over_the_limit_is_refused_with_both_sizes(
    load_challenge: Callable[[Limits], Challenge], tmp_path: Path
) -> None:
    """Exactly the limit is allowed. The sentence names the path, the challenge, the limit and what to do."""
    mine = write_submission(tmp_path / "mine", {"submission.py": CODE, "weights.bin": bytes(5000)})
    size = len(load_submission(mine).archive)
    assert isinstance(read_hand_in(mine, load_challenge(Limits(submission_bytes=size))).content, Submission)
    content = read_hand_in(mine, load_challenge(Limits(submission_bytes=size - 1))).content
    assert isinstance(content, RefusedSubmission)
    assert (content.name, content.sha256) == ("mine", load_submission(mine).sha256)
    assert content.reason == (
        f"{mine} is too large for the challenge tiny, which allows 5.2 KiB: packed, it has {size} bytes of "
        f"{size - 1}. Leave out what unlearning does not need, such as data and trained networks."
    )


@pytest.mark.parametrize(
    ("method", "is_refused"), [(zipfile.ZIP_STORED, True), (zipfile.ZIP_DEFLATED, False)]
)
def test_an_archive_counts_as_it_is_packed(
    load_challenge: Callable[[Limits], Challenge], tmp_path: Path, method: int, is_refused: bool
) -> None:
    """What deflate finds in zeros is small; trained weights stay large."""
    (tmp_path / "mine.zip").write_bytes(zipped({"submission.py": CODE, "zeros": bytes(5000)}, method))
    hand_in = read_hand_in(tmp_path / "mine.zip", load_challenge(Limits(submission_bytes=1024)))
    assert isinstance(hand_in.content, RefusedSubmission) == is_refused


def test_challenges_of_earlier_versions_have_the_limit_of_all(
    load_challenge: Callable[[Limits], Challenge], tmp_path: Path
) -> None:
    """A file of 1 MiB is accepted there; what is no submission is refused as before."""
    mine = write_submission(tmp_path / "mine", {"submission.py": CODE, "weights.bin": bytes(1 << 20)})
    assert isinstance(read_hand_in(mine, load_challenge(Limits())).content, Submission)
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    content = read_hand_in(tmp_path / "broken.zip", load_challenge(Limits(submission_bytes=1024))).content
    assert isinstance(content, RefusedSubmission)
    assert "it is not a zip archive" in content.reason


def test_run_records_the_refusal_as_the_outcome_of_that_entry(
    challenge_folder: ChallengeFolder, tmp_path: Path
) -> None:
    """Exit code 1, which needs no engine; it is no error of the command."""
    folder = challenge_folder.describe(Limits(submission_bytes=1024))
    large = write_submission(tmp_path / "large", {"submission.py": CODE, "weights.bin": bytes(5000)})
    ended = type_command("run", large, "-c", folder, "--store", tmp_path / "store", "--json")
    assert ended.returncode == 1
    result = json.loads(ended.stdout)
    assert (result["submission"], result["outcome"]) == ("large", "refused")
    assert "which allows 1 KiB: packed, it has" in result["reason"]
