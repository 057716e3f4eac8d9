"""Does the contest's file of class weights say what the docs say?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox import contest

ROOT = Path(__file__).parent.parent.parent


def test_weights_are_inverse_to_frequency_with_mean_one() -> None:
    """By hand: counts 1, 2 and 4 have inverses 1, 1/2 and 1/4, whose mean is 7/12."""
    found = json.loads(contest.class_weights([0, 1, 1, 2, 2, 2, 2], 3))
    assert found == pytest.approx([12 / 7, 6 / 7, 3 / 7])


def test_a_class_without_examples_weighs_nothing() -> None:
    """And takes no part in the mean; no label at all gives zeros."""
    assert json.loads(contest.class_weights([0, 2], 3)) == [1, 0, 1]
    assert json.loads(contest.class_weights([], 2)) == [0, 0]


def test_the_image_leads_there(tmp_path: Path) -> None:
    """The file lies in the scratch folder, where the image's link for /kaggle/input points."""
    contest.lay_out(tmp_path, "[1.0]")
    link = f"ln -sfn /proc/self/cwd/{contest.INPUT} /kaggle/input"
    assert link in (ROOT / "Dockerfile").read_text()
    assert (tmp_path / contest.INPUT / contest.FILE).read_text() == "[1.0]"
    assert "/kaggle/input/" + contest.FILE in (ROOT / "docs" / "participants.md").read_text()
