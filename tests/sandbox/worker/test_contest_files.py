"""Does the contest's file of class weights say what the docs say?"""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.worker import contest_files as contest
from tests.support.paths import ROOT


def test_weights_are_one_over_the_number_of_examples() -> None:
    """By hand: counts 1, 2 and 4."""
    assert json.loads(contest.class_weights([0, 1, 1, 2, 2, 2, 2], 3)) == [1, 0.5, 0.25]


def test_a_class_without_examples_weighs_nothing() -> None:
    """No label at all gives zeros."""
    assert json.loads(contest.class_weights([0, 2], 3)) == [1, 0, 1]
    assert json.loads(contest.class_weights([], 2)) == [0, 0]


def test_the_image_leads_there(tmp_path: Path) -> None:
    """The file lies in the scratch folder, where the image's link for /kaggle/input points."""
    contest.lay_out(tmp_path, "[1.0]")
    link = f"ln -sfn /proc/self/cwd/{contest.INPUT} /kaggle/input"
    assert link in (ROOT / "Dockerfile").read_text()
    assert (tmp_path / contest.INPUT / contest.FILE).read_text() == "[1.0]"
    assert "/kaggle/input/" + contest.FILE in (ROOT / "docs" / "participants.md").read_text()
