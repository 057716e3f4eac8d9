"""The contest's file of class weights has the content and the place that the docs state."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.worker.contest_files import FILE, INPUT, class_weights, write_class_weights
from tests.support.paths import ROOT


def test_weights_are_one_over_the_number_of_examples() -> None:
    """Solved by hand: the counts are 1, 2 and 4."""
    assert json.loads(class_weights([0, 1, 1, 2, 2, 2, 2], 3)) == [1, 0.5, 0.25]


def test_a_class_without_examples_weighs_nothing() -> None:
    """Its weight is 0; without any label all weights are 0."""
    assert json.loads(class_weights([0, 2], 3)) == [1, 0, 1]
    assert json.loads(class_weights([], 2)) == [0, 0]


def test_the_image_links_to_the_file(tmp_path: Path) -> None:
    """The file is in the scratch folder, to which the image's link for /kaggle/input points."""
    write_class_weights(tmp_path, "[1.0]")
    link = f"ln -sfn /proc/self/cwd/{INPUT} /kaggle/input"
    assert link in (ROOT / "Dockerfile").read_text()
    assert (tmp_path / INPUT / FILE).read_text() == "[1.0]"
    assert "/kaggle/input/" + FILE in (ROOT / "docs" / "participants.md").read_text()
