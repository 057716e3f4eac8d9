"""A small contest from its file to a published final: six teams, two of them hostile, one over the web."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contest.files import SMALL
from tests.contest.play import play

pytestmark = [pytest.mark.container, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_small_contest(tmp_path: Path) -> None:
    """Everybody is judged by their own code, hostile teams have no rank, and nothing is stuck."""
    play(tmp_path, SMALL, say=print)
