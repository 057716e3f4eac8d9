"""The contest's file of class weights has the content and the place that the docs state."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.worker.entry.contest_files import FILE, INPUT, class_weights, write_class_weights
from tests.support.paths import ROOT


def test_the_file_counts_the_examples_of_each_class() -> None:
    """By the class's number as text, as the entries of 2023 read it."""
    counts = json.loads(class_weights([0, 1, 1, 2, 2, 2, 2], 3))
    assert counts == {"0": 1, "1": 2, "2": 4}
    assert [1 / count for _group, count in sorted((int(group), n) for group, n in counts.items())] == [
        1,
        0.5,
        0.25,
    ]


def test_every_number_can_be_divided_by() -> None:
    """A class without examples counts as one with a single example."""
    assert json.loads(class_weights([0, 2, 2], 3)) == {"0": 1, "1": 1, "2": 2}
    assert json.loads(class_weights([], 2)) == {"0": 1, "1": 1}


def test_the_image_links_to_the_file(tmp_path: Path) -> None:
    """The file is in the scratch folder, to which the image's link for /kaggle/input points."""
    write_class_weights(tmp_path, "[1.0]")
    link = f"ln -sfn /proc/self/cwd/{INPUT} /kaggle/input"
    assert link in (ROOT / "Dockerfile").read_text()
    assert (tmp_path / INPUT / FILE).read_text() == "[1.0]"
    assert "/kaggle/input/" + FILE in (ROOT / "docs" / "participants.md").read_text()
