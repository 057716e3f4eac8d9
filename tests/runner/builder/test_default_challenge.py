"""The challenge of `unlearn check`: public digits, in the user's cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.builder.default_challenge import (
    BUILD_SENTENCE,
    default_challenge_folder,
    default_plan,
    find_default_challenge,
)
from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.limits import Limits
from runner.errors import HostNotReadyError
from runner.submission.limits import MAX_SUBMISSION_BYTES
from tests.runner.conftest import ChallengeFolder


def test_it_is_public_and_always_the_same() -> None:
    """64 references, a fixed seed, and a sentence that says how long building takes."""
    plan = default_plan()
    assert (plan.recipe, plan.references, plan.visibility, plan.feedback) == ("digits", 64, "public", "full")
    assert plan == default_plan()
    assert plan.limits.submission_bytes == MAX_SUBMISSION_BYTES  # each submission has a challenge of its own
    assert "half a minute" in BUILD_SENTENCE


def test_it_lies_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One for each version of the format."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_challenge_folder() == tmp_path / "unlearn" / "challenges" / "v1" / "digits"
    assert find_default_challenge() is None


def test_a_damaged_one_names_its_folder(tmp_path: Path) -> None:
    """Removing it is the remedy, since it is built again."""
    folder = tmp_path / "digits"
    ChallengeFolder(folder).describe(Limits())
    challenge = find_default_challenge(folder)
    assert challenge is not None
    (folder / DESCRIPTION_FILE).write_text("damaged")
    with pytest.raises(HostNotReadyError, match=r"Remove .*digits, and it is built again"):
        find_default_challenge(folder)
