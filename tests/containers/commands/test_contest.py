"""A small contest from its file to a published final: six teams, two of them hostile, one over the web."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contest.files import SMALL
from tests.contest.page import form_of, not_typed, shown_commands
from tests.contest.play import play


@pytest.mark.container
@pytest.mark.timeout(900)
def test_a_small_contest(tmp_path: Path) -> None:
    """Everybody is judged by their own code, hostile teams have no rank, nothing is stuck.

    What docs/competition.md shows of an afternoon is what was typed.
    """
    typed = play(tmp_path, SMALL, say=print)
    assert not_typed([each.words for each in typed]) == []


def test_the_form_of_a_command() -> None:
    """Names and options count, files and values do not; a command that nobody types is noticed."""
    line = ["competition", "team", "add", "contest", "alpha", "--store", "x"]
    assert form_of(line) == (("competition", "team", "add"), frozenset())
    assert form_of(["challenge", "build", "digits", "x", "--seed=1"]) == (
        ("challenge", "build"),
        frozenset({"--seed"}),
    )
    assert len(shown_commands()) > 15
    rest = not_typed([line])
    assert len(rest) == len(shown_commands()) - 1
    assert not any(each.startswith("competition team add") for each in rest)
