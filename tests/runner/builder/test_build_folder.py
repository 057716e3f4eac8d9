"""What the trainer sends is stored; a reference that diverged is rejected at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.builder.build_folder import BuildFolder
from runner.challenge.layout import CHALLENGE_FILES, REFERENCES_FILE
from runner.challenge.unfinished import PLAN_FILE
from runner.errors import ConfigurationError
from sandbox.protocol.seeds import reference_seed

CLASSES, EXAMPLES, UNSEEN, GROUP = 2, 3, 4, 4


def build_folder_in(folder: Path, references: int) -> BuildFolder:
    """Return a build folder whose original network is finished."""
    build_folder = BuildFolder(folder, {"seed": 5}, seed=5, references=references)
    build_folder.open()
    for name in set(CHALLENGE_FILES) - {REFERENCES_FILE}:
        build_folder.add_file(name, b"data")
    facts = {"classes": CLASSES, "forget_examples": EXAMPLES, "class_counts": {"test": [2, 2]}}
    build_folder.add_facts(json.dumps(facts).encode())
    return build_folder


def group(*diverged: int) -> bytes:
    """Return the outputs of a group, as the trainer sends them; some of them are not finite."""
    logits = np.ones((GROUP, EXAMPLES, CLASSES), np.float32)
    for member in diverged:
        logits[member, 1, 0] = np.nan if member % 2 else np.inf
    correct = np.ones((GROUP, 4, CLASSES), np.int64)
    return logits.tobytes() + correct.tobytes() + np.zeros((GROUP, UNSEEN), np.float32).tobytes()


def test_the_first_reference_that_diverged_is_named_at_once(tmp_path: Path) -> None:
    """By index and seed, with what to do; nothing of its group is stored, earlier groups remain."""
    build_folder = build_folder_in(tmp_path, 12)
    build_folder.add_group(0, GROUP, group())
    with pytest.raises(ConfigurationError) as caught:
        build_folder.add_group(4, GROUP, group(3, 2))
    message = str(caught.value)
    assert message.startswith(
        f"Reference 6 (seed {reference_seed(5, 6)}) diverged: its outputs are not finite."
    )
    assert f"{tmp_path} still holds the original network and 1 finished group of references" in message
    assert "--discard, and with another --seed" in message
    assert "--training" in message
    assert "\n" not in message
    assert build_folder.groups() == [0]


def test_a_surplus_reference_may_diverge(tmp_path: Path) -> None:
    """All groups have one size, so some references are surplus; once requested, they are checked too."""
    build_folder = build_folder_in(tmp_path, 6)
    build_folder.add_group(0, GROUP, group())
    build_folder.add_group(4, GROUP, group(2))
    assert build_folder.references()
    more = BuildFolder(tmp_path, {"seed": 5}, seed=5, references=7)
    more.open()
    assert more.groups() == [0, 4]
    with pytest.raises(ConfigurationError, match="Reference 6 "):
        more.references()


def test_opening_removes_nothing_that_is_finished(tmp_path: Path) -> None:
    """What is finished remains, and so does the time when the build was begun."""
    build_folder = build_folder_in(tmp_path, 4)
    build_folder.add_group(0, GROUP, group())
    plan = json.loads((tmp_path / PLAN_FILE).read_text())
    for references in (4, 9):
        again = BuildFolder(tmp_path, {"seed": 5}, seed=5, references=references)
        again.open()
        assert again.has_original()
        assert again.groups() == [0]
        assert json.loads((tmp_path / PLAN_FILE).read_text())["begun"] == plan["begun"]
