"""The tiny challenge, loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder


@pytest.fixture
def loaded(challenge_folder: ChallengeFolder) -> Challenge:
    """Return the tiny challenge."""
    return load_challenge(challenge_folder.describe())
